/** Where the server is, who pays, and what it is taken for. */

import { z } from 'zod';
import type { BackendSetup } from '../../plugin-sdk/index.ts';
import { checkOptions } from '../options.ts';

export const OPENAI_URL = 'https://api.openai.com/v1';

const Options = z.strictObject({
  api_key: z.string().min(1).optional(),
  base_url: z.url({ protocol: /^https?$/ }).optional(),
  models: z.array(z.string().min(1)).min(1).optional(),
  /** Checked by who bills it. */
  pricing: z.unknown().optional(),
  /** Whether the server costs nothing. Left out: true where it is on this machine. */
  local: z.boolean().optional(),
  timeout_sec: z.number().positive().max(3600).default(600),
  max_retries: z.number().int().min(0).max(10).default(2),
});

export interface ServerOptions {
  /** The provider's name: `openai`, `llamacpp`... */
  readonly name: string;
  readonly apiKey: string | undefined;
  readonly baseUrl: string;
  readonly models: readonly string[] | undefined;
  readonly local: boolean;
  readonly timeoutMs: number;
  readonly retries: number;
  /** Somebody named this server: it is not a guess. */
  readonly configured: boolean;
}

/** The configuration first, then the environment; for other servers than OpenAI's, `usual` is where they listen. */
export function serverOptions(name: string, setup: BackendSetup, usual: string): ServerOptions {
  const given = checkOptions(Options, setup.options, name);
  const env = name === 'openai' ? setup.env : {};
  const named = given.base_url ?? nonEmpty(env.OPENAI_BASE_URL);
  const baseUrl = (named ?? usual).replace(/\/+$/, '');
  return {
    name,
    apiKey: given.api_key ?? nonEmpty(env.OPENAI_API_KEY),
    baseUrl,
    models: given.models,
    local: given.local ?? isLoopback(baseUrl),
    timeoutMs: given.timeout_sec * 1000,
    retries: given.max_retries,
    configured: named !== undefined,
  };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim();
}

function isLoopback(url: string): boolean {
  const host = URL.parse(url)?.hostname ?? '';
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
