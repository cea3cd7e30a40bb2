/**
 * Text in, token ids out, and back: tokenizers read from {@code tokenizer.json} or from the metadata of a GGUF file,
 * incremental detokenizing for streams, and the chat templates that models carry. Nothing here reaches the network.
 */
package io.sluice.runtime.text;
