/** What a model provider implements. The models plugin serves each backend's models under /aos/models/<backend>/. */

import type { Caller, Log, Maybe, Micros, Millis, Usage } from '../core/types.ts';

export interface Backend {
  readonly name: string;
  /** What this backend does for forks and resumed contexts (contract section 7). */
  readonly fork: 'text' | 'prefix' | 'copy' | 'file';
  readonly bind: 'text' | 'prefix' | 'slot' | 'session' | 'sequence';
  /** Reads its part of the configuration. Throws AosError `invalid` where that is wrong. */
  open(setup: BackendSetup): Maybe<OpenBackend>;
}

export interface BackendSetup {
  /** `backends.<name>` of the configuration. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  now(): Millis;
}

export interface OpenBackend {
  /** The models that can be named, the default first. */
  models(signal?: AbortSignal): Maybe<readonly ModelInfo[]>;
  /** Whether it can answer now; where not, why and what to do. */
  available(signal?: AbortSignal): Maybe<{ readonly ok: boolean; readonly why: string }>;
  generate(request: ModelRequest): AsyncIterable<ModelEvent>;
  /** Tokens of a prompt, where that is known exactly, at once and for nothing. Otherwise they are bounded by its size. */
  promptTokens?(request: Pick<ModelRequest, 'model' | 'messages' | 'tools'>): number | undefined;
  close?(): Maybe<void>;
}

export interface ModelInfo {
  readonly name: string;
  readonly contextTokens: number | null;
  readonly outputTokensMax: number | null;
  readonly pricing: Pricing | null;
  /** Runs on this machine, or costs nothing by nature. */
  readonly local: boolean;
  readonly summary?: string;
}

/** USD for a million tokens. */
export interface Pricing {
  readonly input_per_1m: number;
  readonly output_per_1m: number;
  readonly cache_read_per_1m?: number;
  readonly cache_write_per_1m?: number;
}

export interface ModelRequest {
  readonly model: string;
  readonly messages: readonly Message[];
  readonly tools: readonly ToolSpec[];
  readonly maxOutputTokens: number | undefined;
  readonly signal: AbortSignal;
  /** Who pays; for backends that keep trust domains apart. */
  readonly caller: Caller;
  /**
   * To be called as soon as the service may have taken the request up: from then on at least its prompt is billed, however the
   * answer ends. Not for one that never reached the service, nor for one that it refused before it answered.
   */
  onSent(): void;
}

export type Message =
  | { readonly role: 'system'; readonly text: string }
  | { readonly role: 'user'; readonly text: string }
  | { readonly role: 'assistant'; readonly text: string; readonly toolCalls: readonly ToolCall[] }
  | { readonly role: 'tool'; readonly id: string; readonly name: string; readonly text: string; readonly ok: boolean };

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

export type ModelEvent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tool_call'; readonly call: ToolCall }
  /** Tokens of this request so far; the last one counts. */
  | { readonly kind: 'usage'; readonly usage: Usage }
  | { readonly kind: 'done'; readonly reason: 'stop' | 'tool_calls' | 'length' };

/** What `call` on /aos/models/<backend>/<model> yields: the backend's events, with money added by the models plugin. */
export type PricedEvent = ModelEvent | { readonly kind: 'cost'; readonly micros: Micros };

/** The request that `call` on a model takes. The model's path names the model; the operation carries signal and caller. */
export interface ModelCall {
  readonly messages: readonly Message[];
  readonly tools: readonly ToolSpec[];
  readonly maxOutputTokens?: number;
  /** The most it may cost: the answer is cut to what that pays for. */
  readonly maxCost?: Micros;
  readonly allowUnknownCost?: boolean;
}

export function defineBackend(backend: Backend): Backend {
  return Object.freeze(backend);
}
