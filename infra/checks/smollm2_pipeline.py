#!/usr/bin/env python3
"""Checks a pipeline of worker processes against llama.cpp, token for token, on SmolLM2.

Needs what smollm2.py prepares. Three steps, from the root of the repository:

    python3 infra/checks/smollm2_pipeline.py prompts > /tmp/prompts.txt
    ./sluice demo --model .sluice/checks/smollm2/SmolLM2-135M-Instruct.F32.gguf --activations fp32 --temperature 0 \\
        --prompts /tmp/prompts.txt --max-tokens 64 --workers infra/checks/three-cpu-stages.json --json /tmp/report.json
    python3 infra/checks/smollm2_pipeline.py compare /tmp/report.json

`prompts` prints the reference prompts that fit on one line (14 of 20: a prompts file has one prompt a line). `compare`
prints one line per request; a generation that met the end token is compared as far as it goes. Exit status 0 only when
every prompt and every token is equal.
"""

import argparse
import json
import os
import sys

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", default=os.path.join(REPOSITORY, ".sluice/checks/smollm2/reference.json"))
    parser.add_argument("step", choices=["prompts", "compare"])
    parser.add_argument("report", nargs="?", help="what ./sluice demo --json wrote")
    arguments = parser.parse_args()
    with open(arguments.reference, encoding="utf-8") as file:
        cases = {case["prompt"]: case for case in json.load(file)["cases"]}
    if arguments.step == "prompts":
        for prompt in cases:
            if "\n" not in prompt and prompt.strip() == prompt:
                print(prompt)
        return 0
    if arguments.report is None:
        parser.error("compare needs the report of ./sluice demo --json")
    with open(arguments.report, encoding="utf-8") as file:
        texts = json.load(file)["texts"]
    wrong = 0
    for text in texts:
        case = cases[text["prompt"]]
        ids = text["token_ids"]
        equal = (
            text["prompt_token_ids"] == case["prompt_token_ids"]
            and ids == case["greedy_token_ids"][: len(ids)]
            and (len(ids) == len(case["greedy_token_ids"]) or text["finish_reason"] == "stop")
        )
        wrong += not equal
        print(f"{'equal' if equal else 'DIFFERENT'}  {len(ids):3d} tokens  {text['prompt'][:60]}")
    print(f"{len(texts) - wrong} of {len(texts)} equal llama.cpp")
    return 1 if wrong or not texts else 0


if __name__ == "__main__":
    sys.exit(main())
