#!/usr/bin/env python3
"""An independent float64 reference of the psalm model, in NumPy alone.

Reads config.json and model.safetensors of this folder and shares no code with
train.py. With --write it makes reference.json: for each prompt the ids of the
prompt and of the greedy continuation, which any correct implementation should
repeat token by token. Without arguments it checks the file that is there.
--say PROMPT prints a greedy or sampled continuation instead.

Needs NumPy; the `tokenizers` package too, except for the check.
"""

import argparse
import json
import os
import struct

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
CONTINUATION = 64
PROMPT_TOKENS = range(4, 61)
SMALLEST_GAP = 1e-3     # a prompt whose continuation meets a nearer tie is not used

# The first 20 that are of a fitting length and meet no near tie are written.
PROMPTS = [
    "Once upon a time",
    "And the LORD said unto Moses, ",
    "In the beginning God created",
    "It is a truth universally acknowledged, that",
    "The LORD is my shepherd; I shall not",
    "Mr. Darcy was",
    "\"My dear Mr. Bennet,\" said his lady to him one day,",
    "Blessed are the poor in spirit: for",
    "Emma could not help thinking that",
    "And it came to pass in those days, that there went out a decree from the king, and all the "
    "people were gathered together; and there stood up a certain man of Benjamin, whose name was "
    "Joel, and he lifted up his voice, and said,",
    "She was a very pretty girl, with",
    "Praise ye the LORD.",
    "<|endoftext|>Now there was",
    "The weather was fine; and they walked together to the village",
    "He opened the letter, and read as follows:\n",
    "A soft answer turneth away wrath: but",
    "Now the sons of David were",
    "When the servers had been started and the messages were flowing, the engineer",
    "\"I am sorry to hear it,\" replied Elinor;",
    "Jesus answered and said unto them,",
    "London, 1813. There were",
    "The young man had a horse, and a house in town, and three thousand pounds a year; but he was "
    "neither happy nor",
    "My heart is",
    "What a beautiful evening!",
    "And David said to Jonathan,",
    "Sir Walter Elliot, of Kellynch Hall, in Somersetshire,",
    "Remember now thy",
    "To be, or not to be, that is the question:",
]


def load(folder=HERE):
    """The configuration and the tensors, widened exactly from fp16 to float64."""
    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        data = file.read()
    size, = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F16", (name, entry)
        begin, end = (8 + size + o for o in entry["data_offsets"])
        tensors[name] = np.frombuffer(data[begin:end], "<f2").reshape(entry["shape"]).astype(np.float64)
    return config, tensors


class Model:
    """A Llama decoder with a key/value cache; one call of `step` per token."""

    def __init__(self, config, tensors):
        self.config, self.tensors = config, tensors
        self.half = config["head_dim"] // 2
        self.frequencies = config["rope_theta"] ** (-np.arange(self.half) / self.half)
        self.reset()

    def reset(self):
        self.keys = [[] for _ in range(self.config["num_hidden_layers"])]
        self.values = [[] for _ in range(self.config["num_hidden_layers"])]

    def rms_norm(self, x, name):
        scale = np.sqrt(np.mean(x * x) + self.config["rms_norm_eps"])
        return x / scale * self.tensors[name]

    def rotate(self, heads, position):
        cos, sin = np.cos(position * self.frequencies), np.sin(position * self.frequencies)
        low, high = heads[:, :self.half], heads[:, self.half:]
        return np.concatenate([low * cos - high * sin, high * cos + low * sin], axis=1)

    def attention(self, x, layer):
        c, position = self.config, len(self.keys[layer])
        weight = lambda name: self.tensors[f"model.layers.{layer}.self_attn.{name}_proj.weight"]
        q = (weight("q") @ x).reshape(c["num_attention_heads"], c["head_dim"])
        k = (weight("k") @ x).reshape(c["num_key_value_heads"], c["head_dim"])
        v = (weight("v") @ x).reshape(c["num_key_value_heads"], c["head_dim"])
        self.keys[layer].append(self.rotate(k, position))
        self.values[layer].append(v)
        keys, values = np.array(self.keys[layer]), np.array(self.values[layer])
        group = c["num_attention_heads"] // c["num_key_value_heads"]
        outputs = []
        for head, query in enumerate(self.rotate(q, position)):
            scores = keys[:, head // group] @ query / np.sqrt(c["head_dim"])
            weights = np.exp(scores - scores.max())
            outputs.append(weights / weights.sum() @ values[:, head // group])
        return weight("o") @ np.concatenate(outputs)

    def mlp(self, x, layer):
        weight = lambda name: self.tensors[f"model.layers.{layer}.mlp.{name}_proj.weight"]
        gate = weight("gate") @ x
        return weight("down") @ (gate / (1 + np.exp(-gate)) * (weight("up") @ x))

    def step(self, token):
        """Takes the next token and returns the logits of the one after it."""
        x = self.tensors["model.embed_tokens.weight"][token]
        for layer in range(self.config["num_hidden_layers"]):
            prefix = f"model.layers.{layer}."
            x = x + self.attention(self.rms_norm(x, prefix + "input_layernorm.weight"), layer)
            x = x + self.mlp(self.rms_norm(x, prefix + "post_attention_layernorm.weight"), layer)
        return self.tensors["model.embed_tokens.weight"] @ self.rms_norm(x, "model.norm.weight")

    def greedy(self, prompt_ids, count):
        """The ids of the continuation and the smallest gap between first and second logit."""
        self.reset()
        for token in prompt_ids:
            logits = self.step(token)
        ids, smallest = [], np.inf
        while True:
            second, first = np.sort(logits)[-2:]
            smallest = min(smallest, first - second)
            ids.append(int(logits.argmax()))
            if len(ids) == count:
                return ids, float(smallest)
            logits = self.step(ids[-1])


def load_tokenizer():
    from tokenizers import Tokenizer
    return Tokenizer.from_file(os.path.join(HERE, "tokenizer.json"))


TOKENIZER_TEXTS = [
    "", " ", "\n", "\n\n  Two  spaces\tand a tab \n", "don't can't they'll I've HE'S", "1813 and 3,000",
    "<|endoftext|>And then<|endoftext|>", "<|endoftext", "caf\u00e9 na\u00efve",
    "\u00a37 \u2014 \u201cquoted\u201d", "\u65e5\u672c\u8a9e", "\u0437\u0434\u0440\u0430\u0441\u0442\u0435",
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "e\u0301 \u00e9", "\u0000\u007f", "x=1;y[2]{3}", "\u00a0no\u2003break", "supercalifragilistic",
]


def write(model, path):
    tokenizer = load_tokenizer()
    cases = []
    for prompt in PROMPTS:
        prompt_ids = tokenizer.encode(prompt).ids
        if len(prompt_ids) not in PROMPT_TOKENS:
            print(f"{len(prompt_ids)} tokens, not used: {prompt!r}")
            continue
        ids, gap = model.greedy(prompt_ids, CONTINUATION)
        print(f"gap {gap:.6f}  {tokenizer.decode(prompt_ids + ids, skip_special_tokens=False)!r}", flush=True)
        if gap < SMALLEST_GAP:
            print("    not used")
            continue
        cases.append({"prompt": prompt, "prompt_token_ids": prompt_ids, "greedy_token_ids": ids,
                      "greedy_text": tokenizer.decode(ids, skip_special_tokens=True),
                      "smallest_gap": round(gap, 9)})
        if len(cases) == 20:
            break
    texts = [{"text": t, "token_ids": tokenizer.encode(t).ids} for t in TOKENIZER_TEXTS]
    for case in texts:
        assert tokenizer.decode(case["token_ids"], skip_special_tokens=False) == case["text"], case
    lines = lambda records: ",\n    ".join(json.dumps(r) for r in records)
    with open(path, "w") as file:
        file.write("{\n" + "".join(f'  "{k}": {json.dumps(v)},\n' for k, v in {
            "about": "Made by reference.py in float64 from model.safetensors (fp16). Each continuation "
                     f"has {CONTINUATION} greedy tokens and does not stop at the end token (id "
                     f"{model.config['eos_token_id']}). No token is added before a prompt. greedy_text "
                     "leaves the end token out. smallest_gap is the least distance between the two largest "
                     "logits met in the continuation.",
            "max_new_tokens": CONTINUATION,
            "smallest_gap": min(c["smallest_gap"] for c in cases)}.items())
            + f'  "cases": [\n    {lines(cases)}\n  ],\n'
            + f'  "tokenizer_cases": [\n    {lines(texts)}\n  ]\n}}\n')
    assert len(cases) == 20, "too few prompts: add some to PROMPTS"
    print(f"{len(cases)} cases, smallest gap {min(c['smallest_gap'] for c in cases):.6f}")


def check(model, path):
    with open(path) as file:
        cases = json.load(file)["cases"]
    for case in cases:
        ids, gap = model.greedy(case["prompt_token_ids"], len(case["greedy_token_ids"]))
        assert ids == case["greedy_token_ids"], case["prompt"]
        assert abs(gap - case["smallest_gap"]) < 1e-6, (case["prompt"], gap)
    print(f"{len(cases)} cases agree")


def say(model, prompt, count, temperature):
    tokenizer, random = load_tokenizer(), np.random.default_rng(1)
    ids = tokenizer.encode(prompt).ids
    model.reset()
    for token in ids:
        logits = model.step(token)
    for _ in range(count):
        if temperature:
            weights = np.exp((logits - logits.max()) / temperature)
            ids.append(int(random.choice(len(logits), p=weights / weights.sum())))
        else:
            ids.append(int(logits.argmax()))
        logits = model.step(ids[-1])
    print(tokenizer.decode(ids, skip_special_tokens=False))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="make reference.json")
    parser.add_argument("--say", metavar="PROMPT", help="print a continuation")
    parser.add_argument("--count", type=int, default=100, help="tokens to say")
    parser.add_argument("--temperature", type=float, default=0.0, help="0 is greedy")
    args = parser.parse_args()
    model, path = Model(*load()), os.path.join(HERE, "reference.json")
    if args.say is not None:
        say(model, args.say, args.count, args.temperature)
    elif args.write:
        write(model, path)
    else:
        check(model, path)


if __name__ == "__main__":
    main()
