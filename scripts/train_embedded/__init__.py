"""How the embedded model was made: text generator, tokenizer, network, training loop. For development: needs torch."""
