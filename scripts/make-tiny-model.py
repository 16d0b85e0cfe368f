#!/usr/bin/env python3
"""Make a tiny Qwen2 chat model with random weights, from nothing but this file.

    make-tiny-model.py DIR [--seed N]

A real server needs a model, but a conformance check needs no sense in the answers. The model is under a megabyte, is
made in seconds, and is the same for the same seed. Its byte-level tokenizer is trained on the text below; its chat
template knows system, user, assistant, and tool turns, and writes tool calls the hermes way, as Qwen2.5 does.

Random logits would never choose to stop: replies would run to the end of the context and a JSON string under a grammar
would never close. So the weights carry a small constant tilt towards a few tokens (see TILT), nothing else is shaped.
"""

import argparse
import math
import os
import shutil
import sys
import tempfile

try:
    import torch
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    import transformers
    from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
except ImportError as error:
    sys.exit(
        f"error: cannot make the model: {error}\n"
        "  (run this with a Python that has torch and transformers; `scripts/real-vllm.sh install` makes one)"
    )

END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
# Not special, so that a server's detokenizer keeps them in the text for its tool-call and reasoning parsers.
MARKERS = ["<tool_call>", "</tool_call>", "<think>", "</think>"]

CONTEXT = 8192
# Merges beyond this find no second occurrence in so little text; the real size is whatever training yields.
VOCABULARY_LIMIT = 1024

# How likely each of these is to be the next token, about. The first ends a reply after some 40 tokens; the second
# closes a string, and with it the JSON, under a grammar.
TILT = {TURN_END: 0.025, '"': 0.05}

TEXT = """
Hello! How can I help you today? I am a small model with random weights, and I mean nothing that I say.
The weather in Paris is sunny, 21 degrees, with a light wind from the west. In Berlin it is raining again.
Once upon a time a lighthouse keeper counted the ships that passed: one, two, three, four, five, and so on.
The quick brown fox jumps over the lazy dog. Pack my box with five dozen liquor jugs. 0 1 2 3 4 5 6 7 8 9
You are a helpful assistant. You may call one or more functions to assist with the user query.
What is the weather in Paris? What is the weather in Berlin? Return a person as JSON. Say hello. Tell me a story.
{"name": "get_weather", "arguments": {"city": "Paris", "unit": "celsius"}}
{"name": "get_weather", "arguments": {"city": "Berlin", "unit": "fahrenheit"}}
{"type": "function", "function": {"name": "get_weather", "description": "Get the weather of a city",
 "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
{"name": "Ada", "age": 36, "admin": true, "tags": ["a", "b"], "parent": null, "score": 0.5}
Crème brûlée, naïve café, Straße, Ångström; привет, мир; 你好，世界; こんにちは; emoji 🙂🚀 and a family 👩‍👩‍👧.
"""

# Qwen's own split: words with their space, single digits, punctuation runs, line ends.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

# `arguments` reaches a template as an object from some servers and as the client's string from others; a string must
# go in as it is, or it would be quoted twice.
CHAT_TEMPLATE = """\
{%- set first_is_system = messages and messages[0].role in ['system', 'developer'] %}
{{- '<|im_start|>system\\n' }}
{%- if first_is_system %}{{- messages[0].content or '' }}{%- else %}{{- 'You are a helpful assistant.' }}{%- endif %}
{%- if tools %}
{{- '\\n\\n# Tools\\n\\nYou may call one or more functions to assist with the user query.\\n\\n' }}
{{- 'You are provided with function signatures within <tools></tools> XML tags:\\n<tools>' }}
{%- for tool in tools %}{{- '\\n' }}{{- tool | tojson }}{%- endfor %}
{{- '\\n</tools>\\n\\nFor each function call, return a json object with function name and arguments within ' }}
{{- '<tool_call></tool_call> XML tags:\\n<tool_call>\\n' }}
{{- '{"name": <function-name>, "arguments": <args-json-object>}\\n</tool_call>' }}
{%- endif %}
{{- '<|im_end|>\\n' }}
{%- for message in messages %}
{%- if message.role == 'tool' %}
{%- if loop.first or messages[loop.index0 - 1].role != 'tool' %}{{- '<|im_start|>user' }}{%- endif %}
{{- '\\n<tool_response>\\n' }}{{- message.content or '' }}{{- '\\n</tool_response>' }}
{%- if loop.last or messages[loop.index0 + 1].role != 'tool' %}{{- '<|im_end|>\\n' }}{%- endif %}
{%- elif not (loop.first and first_is_system) %}
{%- set role = 'system' if message.role == 'developer' else message.role %}
{{- '<|im_start|>' + role + '\\n' }}{{- message.content or '' }}
{%- for call in message.tool_calls or [] %}
{%- set function = call.function if call.function is defined else call %}
{{- '\\n<tool_call>\\n{"name": ' }}{{- function.name | tojson }}{{- ', "arguments": ' }}
{%- if function.arguments is string %}{{- function.arguments }}{%- else %}{{- function.arguments | tojson }}{%- endif %}
{{- '}\\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""


def make_tokenizer():
    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.NFC()
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_LIMIT - len(MARKERS),
        min_frequency=2,
        special_tokens=[END_OF_TEXT, TURN_START, TURN_END],
        # Every byte is a token, so that no input is unknown and a character can be split over two streamed tokens.
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(TEXT.splitlines(keepends=True), trainer)
    bpe.add_tokens([AddedToken(marker, normalized=False, special=False) for marker in MARKERS])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token=TURN_END, pad_token=END_OF_TEXT, unk_token=END_OF_TEXT, model_max_length=CONTEXT
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def make_model(tokenizer, seed):
    torch.manual_seed(seed)
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in (END_OF_TEXT, TURN_END)}
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        # Two heads of 32: CPU attention kernels refuse a smaller head.
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=CONTEXT,
        # A tied output head could not be tilted without tilting the input too.
        tie_word_embeddings=False,
        bos_token_id=ids[END_OF_TEXT],
        eos_token_id=ids[TURN_END],
        pad_token_id=ids[END_OF_TEXT],
        # Wide enough that the likeliest next token is not always a tilted one, even at temperature 0.
        initializer_range=0.25,
    )
    model = Qwen2ForCausalLM(config).eval()
    tilt(model, tokenizer)
    model.generation_config = GenerationConfig(
        bos_token_id=ids[END_OF_TEXT], eos_token_id=[ids[TURN_END], ids[END_OF_TEXT]], pad_token_id=ids[END_OF_TEXT]
    )
    return model.to(torch.bfloat16)


def tilt(model, tokenizer):
    """Give each token of TILT about its probability, whatever came before.

    The output head has no bias, so one hidden dimension is made to hold a constant instead: the embeddings set it
    high, the layers never write to it, and the head's column of it is then a bias per token. After the last norm its
    value still varies a little with the rest of the vector, hence "about".
    """
    with torch.no_grad():
        model.model.embed_tokens.weight[:, 0] = 1.0
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight[0, :] = 0.0
            layer.mlp.down_proj.weight[0, :] = 0.0
        sample = tokenizer(TEXT, return_tensors="pt").input_ids
        hidden = model.model(input_ids=sample).last_hidden_state[0]
        constant = hidden[:, 0].mean().item()
        head = model.lm_head.weight
        head[:, 0] = 0.0
        # For any word-like token the logits sum up, on average, to this much; a tilted one needs its share of it.
        total = torch.logsumexp(hidden @ head.T, dim=-1).mean().item()
        for text, share in TILT.items():
            token = tokenizer.convert_tokens_to_ids(text)
            # Its own row is cleared first: a random part would make the share a matter of luck of the context.
            head[token, :] = 0.0
            head[token, 0] = (total + math.log(share)) / constant
        # By chance, these would open turns, tool calls, and thoughts that no random text ever completes.
        for text in (END_OF_TEXT, TURN_START, *MARKERS):
            token = tokenizer.convert_tokens_to_ids(text)
            head[token, :] = 0.0
            head[token, 0] = -20.0 / constant


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", metavar="DIR", help="where to write the model; replaced if it is there")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same model (default: 0)")
    arguments = parser.parse_args()

    target = os.path.abspath(arguments.directory)
    if os.path.isdir(target) and os.listdir(target) and not os.path.exists(os.path.join(target, "config.json")):
        sys.exit(f"error: {target} holds something that is not a model\n  (name a new or empty directory)")

    transformers.logging.disable_progress_bar()
    tokenizer = make_tokenizer()
    model = make_model(tokenizer, arguments.seed)

    os.makedirs(os.path.dirname(target), exist_ok=True)
    # Written beside the target and moved, so that an interrupted run leaves no half model to be served.
    with tempfile.TemporaryDirectory(dir=os.path.dirname(target), prefix=".tiny-model-") as scratch:
        fresh = os.path.join(scratch, "model")
        tokenizer.save_pretrained(fresh)
        model.save_pretrained(fresh)
        shutil.rmtree(target, ignore_errors=True)
        os.rename(fresh, target)

    size = sum(os.path.getsize(os.path.join(target, name)) for name in os.listdir(target))
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(f"{target}: {parameters} parameters, {len(tokenizer)} tokens, {size // 1024} KiB", file=sys.stderr)


if __name__ == "__main__":
    main()
