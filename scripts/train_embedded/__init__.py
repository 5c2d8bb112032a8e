"""How the embedded model came to be: the text generator, the tokenizer, the training loop. Needs torch; development only."""
