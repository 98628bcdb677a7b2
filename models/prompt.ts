/** How many tokens a prompt has: probably, for an estimate and for a bill that no server wrote; and at most, to reserve for. */

import { createHash } from 'node:crypto';
import type { Message, ModelCall, ToolSpec, Usage } from '../plugin-sdk/index.ts';

/** What models have in common for ordinary text. */
const BYTES_PER_TOKEN = 4;
/** What a service adds of its own to a prompt: the turns' frames, and how to use tools. */
const FRAME_TOKENS = 64;
const TOOLS_FRAME_TOKENS = 512;
/** Prompts remembered at once. */
const KEPT_MAX = 4096;

/** The part of a request that is read. */
export type Prompt = Pick<ModelCall, 'messages' | 'tools'>;

export function likelyTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);
}

export function likelyPrompt({ messages, tools }: Prompt): number {
  return likelyTokens(JSON.stringify([messages, tools]));
}

const SPACE = 0x20;
const A = 0x61;
const Z = 0x7a;

/**
 * Tokenizers split words of small letters no finer than two bytes; of anything else (figures, signs, capitals, other scripts,
 * which all begin with bytes of their own) each byte may be a token.
 */
export function tokensAtMost(text: string): number {
  let halves = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if ((unit >= A && unit <= Z) || unit === SPACE) halves += 1;
    else if (unit < 0x80) halves += 2;
    // Two bytes of UTF-8, or one half of a pair that has four.
    else if (unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff)) halves += 4;
    else halves += 6;
  }
  return Math.ceil(halves / 2);
}

/**
 * What servers have counted. A conversation grows at its end, so the count of what it begins with is known from the request
 * before, and only the rest has to be bounded by its size.
 */
export class Counted {
  /** Tokens by model and beginning of a prompt, the one asked for longest ago first. */
  private readonly known = new Map<string, number>();

  atMost(model: string, prompt: Prompt): number {
    const marks = marksOf(model, prompt);
    const { messages, tools } = prompt;
    for (let i = messages.length; i > 0; i--) {
      const tokens = this.recall(marks[i - 1] ?? '');
      if (tokens !== undefined) return tokens + sizeOf(messages.slice(i));
    }
    const frame = tools.length === 0 ? FRAME_TOKENS : TOOLS_FRAME_TOKENS;
    return frame + sizeOf(tools) + sizeOf(messages);
  }

  /** What the server said of a prompt: nothing where it did not count it. */
  learn(model: string, prompt: Prompt, { input, cacheRead, cacheWrite }: Usage): void {
    const mark = marksOf(model, prompt).at(-1);
    if (input === null || mark === undefined) return;
    this.known.delete(mark);
    this.known.set(mark, input + (cacheRead ?? 0) + (cacheWrite ?? 0));
    const [oldest] = this.known.keys();
    if (this.known.size > KEPT_MAX && oldest !== undefined) this.known.delete(oldest);
  }

  private recall(mark: string): number | undefined {
    const tokens = this.known.get(mark);
    if (tokens === undefined) return undefined;
    this.known.delete(mark);
    this.known.set(mark, tokens);
    return tokens;
  }
}

/** Of a prompt that is asked for and then learned of, which is one object. */
const marked = new WeakMap<Prompt, { readonly model: string; readonly marks: readonly string[] }>();

/** For each message a mark of the prompt up to it. The prompt must not change afterwards. */
function marksOf(model: string, prompt: Prompt): readonly string[] {
  const before = marked.get(prompt);
  if (before?.model === model) return before.marks;
  const marks = makeMarks(model, prompt);
  marked.set(prompt, { model, marks });
  return marks;
}

function makeMarks(model: string, { messages, tools }: Prompt): string[] {
  const hash = createHash('sha256').update(JSON.stringify([model, tools]));
  return messages.map(message => hash.update(JSON.stringify(message)).copy().digest('base64'));
}

function sizeOf(parts: readonly (Message | ToolSpec)[]): number {
  return parts.reduce((sum, part) => sum + tokensAtMost(JSON.stringify(part)), 0);
}
