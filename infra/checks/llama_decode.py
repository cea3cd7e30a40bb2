#!/usr/bin/env python3
"""Decode speed of llama.cpp on one GGUF file, as a baseline for `./sluice bench pipeline`.

Prints one JSON object: {"decode_tokens_per_s": [...]} with one figure per round. The prompt is --prompt-tokens ids, then
--tokens greedy steps are timed; the KV cache is fp32 and flash attention is off, as in the check for equal tokens.
Needs the environment that smollm2.py sets up.
"""

import argparse
import json
import time


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="GGUF file")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--prompt-tokens", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()

    import llama_cpp

    llama = llama_cpp.Llama(
        arguments.model,
        n_ctx=1024,
        n_threads=arguments.threads,
        n_threads_batch=arguments.threads,
        type_k=llama_cpp.GGML_TYPE_F32,
        type_v=llama_cpp.GGML_TYPE_F32,
        flash_attn=False,
        verbose=False,
    )
    speeds = []
    for _ in range(arguments.rounds):
        llama.reset()
        llama.eval([100 + i for i in range(arguments.prompt_tokens)])
        token = llama.sample(temp=0.0)
        start = time.perf_counter()
        for _ in range(arguments.tokens):
            llama.eval([token])
            token = llama.sample(temp=0.0)
        speeds.append(arguments.tokens / (time.perf_counter() - start))
    print(json.dumps({"decode_tokens_per_s": speeds}))


if __name__ == "__main__":
    main()
