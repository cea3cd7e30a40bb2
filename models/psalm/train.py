#!/usr/bin/env python3
"""Trains the psalm model, a small Llama-family language model, on one CPU thread.

The corpus is described in corpus.py. This program trains a byte-level BPE
tokenizer on its training part, trains the model for a given wall-clock time,
and writes the files that Hugging Face tools and Sluice read: config.json,
generation_config.json, tokenizer.json, tokenizer_config.json and
model.safetensors (fp16). They are written again at every checkpoint, so the
program may be stopped at any time; on SIGTERM or Ctrl-C it checkpoints first.

    OMP_NUM_THREADS=1 python3 train.py --minutes 60 --out /tmp/psalm

(With MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_ set to 8589934592 the C
library keeps large blocks instead of returning them, which is a sixth faster.)

Needs PyTorch (1.13 or later), the `tokenizers` package and the Debian packages
that corpus.py names. Seeds and the data split are fixed. The learning rate
follows the clock, so two runs differ in their number of steps; give --steps
instead of --minutes for a schedule that does not depend on the machine.
"""

import argparse
import json
import math
import os
import signal
import struct
import time

import torch
import torch.nn as nn
import torch.nn.functional as F
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import corpus
from llama import CONFIG, Llama

END = "<|endoftext|>"

# --- Tokenizer -------------------------------------------------------------------------------

def train_tokenizer(texts, vocab_size):
    """A byte-level BPE: any text can be encoded, and decoding gives the same bytes back."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=[END], show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    return tokenizer


def encode(tokenizer, documents):
    """One stream of token ids, an end token before the first document and after each."""
    ids = [CONFIG["bos_token_id"]]
    for encoding in tokenizer.encode_batch([d.text for d in documents]):
        ids += encoding.ids
        ids.append(CONFIG["eos_token_id"])
    return torch.tensor(ids)


# --- Training --------------------------------------------------------------------------------

class Muon(torch.optim.Optimizer):
    """Momentum whose update matrix is made nearly orthogonal by Newton-Schulz iterations.

    For the weight matrices inside the layers; K. Jordan et al., 2024.
    """

    def __init__(self, parameters, lr, momentum=0.95, weight_decay=0.0):
        super().__init__(parameters, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
                buffer.lerp_(p.grad, 1 - group["momentum"])
                update = p.grad.lerp(buffer, group["momentum"])      # Nesterov
                update = orthogonal(update) * max(1, p.shape[0] / p.shape[1]) ** 0.5
                p.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"])


def orthogonal(matrix, steps=5):
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.bfloat16()
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return (x.T if tall else x).float()


def learning_rate_factor(progress, step, warmup=50):
    """Linear warm-up over some steps, then a cosine from 1 to 0.02 over the whole run."""
    cosine = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(progress, 1)))
    return min(1, (step + 1) / warmup) * cosine


def batch(stream, length, size, generator):
    starts = torch.randint(len(stream) - length, (size,), generator=generator)
    windows = torch.stack([stream[s:s + length + 1] for s in starts.tolist()])
    return windows[:, :-1], windows[:, 1:]


def loss_of(model, inputs, targets, bfloat16, reduction="mean"):
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
        logits = model(inputs)
    return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction=reduction)


@torch.no_grad()
def bits_per_byte(model, stream, text_bytes, length, bfloat16=False):
    """Every token of the stream, in windows of `length` that start without context."""
    count = (len(stream) - 1) // length
    inputs, targets = stream[:count * length], stream[1:count * length + 1]
    pairs = list(zip(inputs.view(-1, length).split(16), targets.view(-1, length).split(16)))
    if count * length + 1 < len(stream):
        pairs.append((stream[None, count * length:-1], stream[None, count * length + 1:]))
    nats = sum(loss_of(model, x, y, bfloat16, "sum").item() for x, y in pairs)
    return nats / math.log(2) / text_bytes


@torch.no_grad()
def sample(model, tokenizer, prompt, count=60, temperature=0.7, seed=1):
    generator = torch.Generator().manual_seed(seed)
    ids = tokenizer.encode(prompt).ids
    for _ in range(count):
        logits = model(torch.tensor([ids]))[0, -1] / temperature
        ids.append(torch.multinomial(logits.softmax(-1), 1, generator=generator).item())
        if ids[-1] == CONFIG["eos_token_id"]:
            break
    return tokenizer.decode(ids, skip_special_tokens=False)


# --- Files -----------------------------------------------------------------------------------

def write(path, data):
    """Replaces a file at once, so that a reader never sees half of it."""
    with open(path + ".part", "wb") as file:
        file.write(data)
    os.replace(path + ".part", path)


def write_json(path, value):
    write(path, (json.dumps(value, indent=2) + "\n").encode())


def write_safetensors(path, tensors):
    header, blobs, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in tensors.items():
        blobs.append(tensor.half().contiguous().numpy().tobytes())
        header[name] = {"dtype": "F16", "shape": list(tensor.shape),
                        "data_offsets": [offset, offset + len(blobs[-1])]}
        offset += len(blobs[-1])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    write(path, struct.pack("<Q", len(text)) + text + b"".join(blobs))


def write_static_files(out, tokenizer):
    os.makedirs(out, exist_ok=True)
    write_json(f"{out}/config.json", CONFIG)
    write_json(f"{out}/generation_config.json", {
        "bos_token_id": CONFIG["bos_token_id"], "eos_token_id": CONFIG["eos_token_id"],
        "do_sample": True, "temperature": 0.7, "top_p": 0.95, "max_length": 512})
    tokenizer.save(f"{out}/tokenizer.json")
    write_json(f"{out}/tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512,
        "bos_token": END, "eos_token": END, "add_bos_token": False, "add_eos_token": False,
        "add_prefix_space": False, "clean_up_tokenization_spaces": False})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="folder for the model's files")
    limit = parser.add_mutually_exclusive_group()
    limit.add_argument("--minutes", type=float, default=60, help="wall-clock time to train for")
    limit.add_argument("--steps", type=int, help="train for this many steps instead")
    parser.add_argument("--batch", type=int, default=16, help="sequences per step")
    parser.add_argument("--length", type=int, default=256, help="tokens per sequence")
    parser.add_argument("--long-length", type=int, default=512,
                        help="tokens per sequence in the last part of the run")
    parser.add_argument("--long-part", type=float, default=0.15, help="size of that last part")
    parser.add_argument("--lr", type=float, default=4e-3, help="of AdamW: embeddings and norms")
    parser.add_argument("--matrix-lr", type=float, default=0.02, help="of Muon: other matrices")
    parser.add_argument("--weight-decay", type=float, default=0.1, help="of the matrices")
    parser.add_argument("--checkpoint-minutes", type=float, default=10)
    parser.add_argument("--float32", action="store_true",
                        help="no bfloat16 products (for a CPU without AMX or AVX-512 BF16)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    generator = torch.Generator().manual_seed(args.seed)

    documents = list(corpus.documents())
    train = [d for d in documents if not d.held_out]
    held = {s: [d for d in documents if d.held_out and d.source == s] for s in ("kjv", "austen")}
    tokenizer = train_tokenizer((d.text for d in train), CONFIG["vocab_size"])
    write_static_files(args.out, tokenizer)
    # Documents in random order: a window that crosses an end shows nothing of what follows.
    order = torch.randperm(len(train), generator=generator).tolist()
    stream = encode(tokenizer, [train[i] for i in order])
    held_streams = {s: (encode(tokenizer, d), sum(len(x.text.encode()) for x in d))
                    for s, d in held.items()}
    train_bytes = sum(len(d.text.encode()) for d in train)
    print(f"{len(train)} passages, {train_bytes} bytes, {len(stream)} tokens "
          f"({train_bytes / len(stream):.2f} bytes per token); held out: "
          + ", ".join(f"{s} {b} bytes" for s, (_, b) in held_streams.items()), flush=True)

    model = Llama(CONFIG)
    matrices = [p for p in model.model.layers.parameters() if p.dim() == 2]
    others = [p for n, p in model.named_parameters()
              if p.dim() == 1 or n.endswith("embed_tokens.weight")]
    optimizers = [torch.optim.AdamW(others, lr=args.lr, betas=(0.9, 0.95), weight_decay=0),
                  Muon(matrices, lr=args.matrix_lr, weight_decay=args.weight_decay)]
    groups = [(g, g["lr"]) for o in optimizers for g in o.param_groups]
    print(f"{sum(p.numel() for p in model.parameters())} parameters", flush=True)

    def report(kind, width, bfloat16):
        scores = {s: bits_per_byte(model, t, b, width, bfloat16)
                  for s, (t, b) in held_streams.items()}
        print(f"{kind}, windows of {width}: held-out bits/byte "
              + ", ".join(f"{s} {v:.4f}" for s, v in scores.items()), flush=True)

    stop = []
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.append(True))
    begin = last_save = last_line = time.monotonic()
    step = tokens = 0
    recent = []
    while not stop:
        now = time.monotonic()
        progress = step / args.steps if args.steps else (now - begin) / 60 / args.minutes
        if progress >= 1:
            break
        long = progress >= 1 - args.long_part
        length = args.long_length if long else args.length
        size = max(1, args.batch * args.length // length)
        for group, base in groups:
            group["lr"] = base * learning_rate_factor(progress, step)
        loss = loss_of(model, *batch(stream, length, size, generator), not args.float32)
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(others, 1.0)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        tokens += size * length
        recent.append(loss.item())
        if now - last_line >= 20:
            nats = sum(recent) / len(recent)
            print(f"step {step}, {tokens / 1e6:.2f} M tokens, {(now - begin) / 60:.1f} min, "
                  f"{tokens / (now - begin):.0f} tokens/s, loss {nats:.3f} nats/token, "
                  f"{nats / math.log(2) * len(stream) / train_bytes:.3f} bits/byte", flush=True)
            last_line, recent = now, []
        if now - last_save >= 60 * args.checkpoint_minutes:
            write_safetensors(f"{args.out}/model.safetensors", model.state_dict())
            report("checkpoint", args.length, not args.float32)
            last_save = time.monotonic()

    # What is measured is what is shipped: the weights as rounded to fp16.
    write_safetensors(f"{args.out}/model.safetensors", model.state_dict())
    model.load_state_dict({k: v.half().float() for k, v in model.state_dict().items()})
    print(f"{step} steps, {tokens} tokens, {(time.monotonic() - begin) / 60:.1f} min", flush=True)
    for width in (args.length, args.long_length):
        report("final", width, False)
    for prompt in ("And the LORD said unto Moses", "It was a fine morning in", "Once upon a time"):
        print(">>", sample(model, tokenizer, prompt).replace("\n", " / "), flush=True)


if __name__ == "__main__":
    main()
