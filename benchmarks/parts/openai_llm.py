"""distilabel's own way: its OpenAILLM and TextGeneration in its Pipeline; needs the package openai."""

from __future__ import annotations

from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration
from questions import MAX_TOKENS, MODEL, SYSTEM, TEMPERATURE, Run, told


def main(run: Run) -> None:
    """Ask everything, in batches as large as there are requests in flight; fails unless everything was answered."""
    with Pipeline("benchmark", cache_dir=f"{run.folder}/distilabel") as pipeline:
        data = [{"instruction": prompt, "system_prompt": SYSTEM} for prompt in run.prompts()]
        questions = LoadDataFromDicts(data=data, batch_size=run.concurrency)
        llm = OpenAILLM(
            model=MODEL,
            base_url=run.url,
            api_key="none",
            generation_kwargs={"temperature": TEMPERATURE, "max_new_tokens": MAX_TOKENS},
        )
        questions >> TextGeneration(llm=llm, input_batch_size=run.concurrency)
    rows = pipeline.run(use_cache=False)["default"]["train"]
    if len(rows) != run.count or not all(rows["generation"]):
        raise ValueError("a question has no answer")


if __name__ == "__main__":
    main(told())
