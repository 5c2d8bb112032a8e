r"""MATH (Hendrycks et al. 2021, arXiv:2103.03874): 7 subjects, 5 levels, 5,000 problems of competitions.

The four examples and the form of the Minerva prompt (Lewkowycz et al. 2022, arXiv:2206.14858, appendix D), as
lm-evaluation-harness has them (minerva_math), stray brace and double space included: the protocol whose 4-shot numbers
model papers quote. The gold answer is what the solution's last \boxed{...} holds.
accuracy: the answer is mathematically the gold one (`proctor.metrics.equivalent`); same_text: the same LaTeX.
"""

from proctor import Benchmark, Sample, generate
from proctor.extract import boxed, final_answer
from proctor.metrics import equivalent, exact_match

MINERVA = r"""Problem:
Find the domain of the expression  $\frac{\sqrt{x-2}}{\sqrt{5-x}}$.}

Solution:
The expressions inside each square root must be non-negative. Therefore, $x-2 \ge 0$, so $x\ge2$, and $5 - x \ge 0$, so $x \le 5$. Also, the denominator cannot be equal to zero, so $5-x>0$, which gives $x<5$. Therefore, the domain of the expression is $\boxed{[2,5)}$.
Final Answer: The final answer is $[2,5)$. I hope it is correct.

Problem:
If $\det \mathbf{A} = 2$ and $\det \mathbf{B} = 12,$ then find $\det (\mathbf{A} \mathbf{B}).$

Solution:
We have that $\det (\mathbf{A} \mathbf{B}) = (\det \mathbf{A})(\det \mathbf{B}) = (2)(12) = \boxed{24}.$
Final Answer: The final answer is $24$. I hope it is correct.

Problem:
Terrell usually lifts two 20-pound weights 12 times. If he uses two 15-pound weights instead, how many times must Terrell lift them in order to lift the same total weight?

Solution:
If Terrell lifts two 20-pound weights 12 times, he lifts a total of $2\cdot 12\cdot20=480$ pounds of weight.  If he lifts two 15-pound weights instead for $n$ times, he will lift a total of $2\cdot15\cdot n=30n$ pounds of weight.  Equating this to 480 pounds, we can solve for $n$:
\begin{align*}
30n&=480\\
\Rightarrow\qquad n&=480/30=\boxed{16}
\end{align*}
Final Answer: The final answer is $16$. I hope it is correct.

Problem:
If the system of equations

\begin{align*}
6x-4y&=a,\\
6y-9x &=b.
\end{align*}has a solution $(x, y)$ where $x$ and $y$ are both nonzero,
find $\frac{a}{b},$ assuming $b$ is nonzero.

Solution:
If we multiply the first equation by $-\frac{3}{2}$, we obtain

$$6y-9x=-\frac{3}{2}a.$$Since we also know that $6y-9x=b$, we have

$$-\frac{3}{2}a=b\Rightarrow\frac{a}{b}=\boxed{-\frac{2}{3}}.$$
Final Answer: The final answer is $-\frac{2}{3}$. I hope it is correct.

"""  # noqa: E501

math = Benchmark(
    "math", main="accuracy", version=3, header=MINERVA, header_shots=4, prompt="Problem:\n{{ question }}\n\nSolution:"
)


@math.rows
def read(row):
    target = boxed(row["solution"])
    if target is None:
        raise ValueError("the solution boxes no answer")
    groups = {"subject": row["type"], "level": row["level"]}
    return Sample(question=row["problem"], reference=row["solution"], target=target, groups=groups)


@math.test(generate(max_tokens=1024, stop=["\nProblem:"]))
def test_math(sample, output, score):
    answer = final_answer(output.text)
    score(answer, accuracy=equivalent(answer, sample.target), same_text=exact_match(answer, sample.target))
