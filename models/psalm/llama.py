"""The psalm model's shape and its network in PyTorch.

Modules carry the Hugging Face names, so that the state dict is the weights file.
"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "head_dim": 32,
    "hidden_act": "silu",
    "hidden_size": 192,
    "initializer_range": 0.02,
    "intermediate_size": 512,
    "max_position_embeddings": 512,
    "mlp_bias": False,
    "model_type": "llama",
    "num_attention_heads": 6,
    "num_hidden_layers": 6,
    "num_key_value_heads": 2,
    "pretraining_tp": 1,
    "rms_norm_eps": 1e-05,
    "rope_scaling": None,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
    "torch_dtype": "float16",
    "use_cache": True,
    "vocab_size": 2048,
}


class RMSNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(size)), eps

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads, self.kv_heads = c["num_attention_heads"], c["num_key_value_heads"]
        self.head_dim = c["head_dim"]
        self.q_proj = nn.Linear(c["hidden_size"], self.heads * self.head_dim, bias=False)
        self.k_proj = nn.Linear(c["hidden_size"], self.kv_heads * self.head_dim, bias=False)
        self.v_proj = nn.Linear(c["hidden_size"], self.kv_heads * self.head_dim, bias=False)
        self.o_proj = nn.Linear(self.heads * self.head_dim, c["hidden_size"], bias=False)

    def forward(self, x, cos, sin, mask):
        batch, length, _ = x.shape
        group = self.heads // self.kv_heads
        q = rotate(self.q_proj(x).view(batch, length, self.heads, -1), cos, sin)
        k = rotate(self.k_proj(x).view(batch, length, self.kv_heads, -1), cos, sin)
        v = self.v_proj(x).view(batch, length, self.kv_heads, -1)
        # The query heads of one key/value head are laid end to end: no copies of k and v.
        q = q.view(batch, length, self.kv_heads, group, -1).permute(0, 2, 3, 1, 4)
        q = q.reshape(batch, self.kv_heads, group * length, -1) / math.sqrt(self.head_dim)
        scores = q @ k.permute(0, 2, 3, 1)
        scores = scores.view(batch, self.kv_heads, group, length, length)
        with torch.autocast("cpu", enabled=False):      # the softmax stays in bfloat16: half the bytes
            weights = (scores + mask.to(scores.dtype)).softmax(-1)
        weights = weights.view(batch, self.kv_heads, group * length, length)
        y = (weights @ v.transpose(1, 2)).view(batch, self.kv_heads, group, length, -1)
        return self.o_proj(y.permute(0, 3, 1, 2, 4).reshape(batch, length, -1))


class MLP(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.gate_proj = nn.Linear(c["hidden_size"], c["intermediate_size"], bias=False)
        self.up_proj = nn.Linear(c["hidden_size"], c["intermediate_size"], bias=False)
        self.down_proj = nn.Linear(c["intermediate_size"], c["hidden_size"], bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.input_layernorm = RMSNorm(c["hidden_size"], c["rms_norm_eps"])
        self.self_attn = Attention(c)
        self.post_attention_layernorm = RMSNorm(c["hidden_size"], c["rms_norm_eps"])
        self.mlp = MLP(c)

    def forward(self, x, cos, sin, mask):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embed_tokens = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.layers = nn.ModuleList(Layer(c) for _ in range(c["num_hidden_layers"]))
        self.norm = RMSNorm(c["hidden_size"], c["rms_norm_eps"])


class Llama(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.model = Decoder(c)
        angles = torch.outer(torch.arange(c["max_position_embeddings"]).float(),
                             c["rope_theta"] ** -(torch.arange(0, c["head_dim"], 2) / c["head_dim"]))
        self.cos, self.sin = angles.cos(), angles.sin()
        self.mask = torch.full((len(angles), len(angles)), -math.inf).triu(1)
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, 0, 0.5 / math.sqrt(parameter.shape[1]))
        nn.init.normal_(self.model.embed_tokens.weight, 0, c["initializer_range"])
        for layer in self.model.layers:         # start as the identity on the residual stream
            nn.init.zeros_(layer.self_attn.o_proj.weight)
            nn.init.zeros_(layer.mlp.down_proj.weight)

    def forward(self, ids):
        length = ids.shape[1]
        cos, sin = self.cos[:length, None], self.sin[:length, None]
        x = self.model.embed_tokens(ids)
        for layer in self.model.layers:
            x = layer(x, cos, sin, self.mask[:length, :length])
        return F.linear(self.model.norm(x), self.model.embed_tokens.weight)


def rotate(t, cos, sin):
    """Rotary position embedding in the half-split layout of the Hugging Face Llama."""
    a, b = t.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)
