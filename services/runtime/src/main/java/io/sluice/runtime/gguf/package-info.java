/**
 * Reads GGUF model files (versions 2 and 3): metadata, tensors expanded to fp32, the tokenizer and the chat template
 * they carry. Files are mapped, never copied whole, and everything read from them is bounds-checked.
 */
package io.sluice.runtime.gguf;
