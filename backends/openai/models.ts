/** Which models a server has: as configured, as known for OpenAI, else as it says itself at `/models`. */

import type { ModelInfo } from '../../plugin-sdk/index.ts';
import { listens } from './listens.ts';
import { OPENAI_URL, type ServerOptions } from './options.ts';

/** Offered without asking; the first is the default: small, so that a first try costs little. */
const OPENAI_MODELS: readonly [name: string, contextTokens: number, outputTokensMax: number][] = [
  ['gpt-5-mini', 400_000, 128_000],
  ['gpt-5', 400_000, 128_000],
  ['gpt-5-nano', 400_000, 128_000],
  ['gpt-4.1', 1_000_000, 32_768],
  ['gpt-4.1-mini', 1_000_000, 32_768],
];

const LISTING_KEPT_MS = 30_000;
const SILENCE_KEPT_MS = 5_000;

export interface Listing {
  readonly models: readonly ModelInfo[];
  readonly ok: boolean;
  readonly why: string;
}

/** Asks the server at most once in a while; says at once what it knows. */
export class ModelList {
  private readonly server: ServerOptions;
  private readonly now: () => number;
  private readonly timeoutMs: number | undefined;
  private known: { listing: Listing; until: number } | undefined;
  private asking: Promise<Listing> | undefined;

  /** Without a timeout the server is never asked. */
  constructor(server: ServerOptions, timeoutMs: number | undefined, now: () => number) {
    this.server = server;
    this.timeoutMs = timeoutMs;
    this.now = now;
  }

  get(): Listing | Promise<Listing> {
    const { models, baseUrl } = this.server;
    if (models !== undefined) return { models: models.map(name => this.info(name)), ok: true, why: 'as configured' };
    if (baseUrl === OPENAI_URL) {
      const offered = OPENAI_MODELS.map(([name, context, output]) => this.info(name, context, output));
      return { models: offered, ok: true, why: 'known to this version' };
    }
    const { timeoutMs } = this;
    if (timeoutMs === undefined) return silent('not looked for, as AOS_PROBE=0');
    if (this.known !== undefined && this.known.until > this.now()) return this.known.listing;
    this.asking ??= this.ask(timeoutMs).then(listing => {
      this.known = { listing, until: this.now() + (listing.ok ? LISTING_KEPT_MS : SILENCE_KEPT_MS) };
      this.asking = undefined;
      return listing;
    });
    return this.asking;
  }

  private async ask(timeoutMs: number): Promise<Listing> {
    const url = `${this.server.baseUrl}/models`;
    const headers: Record<string, string> = {};
    if (this.server.apiKey !== undefined) headers.authorization = `Bearer ${this.server.apiKey}`;
    if (!(await listens(url, timeoutMs))) return silent(`nothing answers at ${url}`);
    try {
      const response = await fetch(url, { headers, signal: AbortSignal.timeout(timeoutMs) });
      if (!response.ok) {
        await response.body?.cancel();
        return silent(`${url} answered ${response.status}`);
      }
      const models = readListing(await response.json()).map(({ id, contextTokens }) => this.info(id, contextTokens));
      return models.length === 0 ? silent(`${url} names no models`) : { models, ok: true, why: `${url} answers` };
    } catch (error) {
      const timedOut = error instanceof Error && error.name === 'TimeoutError';
      return silent(timedOut ? `${url} did not answer within ${timeoutMs} ms` : `nothing answers at ${url}`);
    }
  }

  private info(name: string, contextTokens: number | null = null, outputTokensMax: number | null = null): ModelInfo {
    return { name, contextTokens, outputTokensMax, pricing: null, local: this.server.local };
  }
}

function silent(why: string): Listing {
  return { models: [], ok: false, why };
}

/** llama.cpp tells its context in `meta.n_ctx`, vLLM and SGLang in `max_model_len`. */
function readListing(body: unknown): { id: string; contextTokens: number | null }[] {
  if (typeof body !== 'object' || body === null || !('data' in body) || !Array.isArray(body.data)) return [];
  return body.data.flatMap((model: unknown) => {
    if (typeof model !== 'object' || model === null || !('id' in model) || typeof model.id !== 'string') return [];
    const meta = 'meta' in model && typeof model.meta === 'object' && model.meta !== null ? model.meta : {};
    const context = 'n_ctx' in meta ? meta.n_ctx : 'max_model_len' in model ? model.max_model_len : null;
    return [{ id: model.id, contextTokens: typeof context === 'number' ? context : null }];
  });
}
