/** Where the server is, who pays, and what it is taken for. */

import { AosError, type BackendSetup, schema } from '../../plugin-sdk/index.ts';
import { checkOptions } from '../options.ts';

export const OPENAI_URL = 'https://api.openai.com/v1';

const NO_USER = 'an address with a user or password is shown wherever the server is named; give the key as api_key';

const STANDARD = { timeout_sec: 600, max_retries: 2 };

const Options = schema(z =>
  z.strictObject({
    api_key: z.string().min(1).optional(),
    base_url: z
      .url({ protocol: /^https?$/ })
      .refine(url => !namesUser(url), NO_USER)
      .optional(),
    models: z.array(z.string().min(1)).min(1).optional(),
    /** Checked by who bills it. */
    pricing: z.unknown().optional(),
    /** Whether the server costs nothing. Left out: true where it is on this machine. */
    local: z.boolean().optional(),
    timeout_sec: z.number().positive().max(3600).default(STANDARD.timeout_sec),
    max_retries: z.number().int().min(0).max(10).default(STANDARD.max_retries),
  }),
);

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
  const given = checkOptions(Options, setup.options, name, STANDARD);
  const env = name === 'openai' ? setup.env : {};
  const named = given.base_url ?? fromEnv(env.OPENAI_BASE_URL);
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

/** The address in OPENAI_BASE_URL. Throws `invalid`, and does not repeat it. */
function fromEnv(text: string | undefined): string | undefined {
  const url = nonEmpty(text);
  if (url === undefined) return undefined;
  const isUrl = /^https?:\/\//i.test(url) && URL.canParse(url);
  if (isUrl && !namesUser(url)) return url;
  throw new AosError('invalid', {
    component: 'backends/openai',
    why: `OPENAI_BASE_URL is not usable: ${isUrl ? NO_USER : 'it is not the http or https address of a server'}`,
    remedy: isUrl ? 'set the key as OPENAI_API_KEY' : 'correct it, or unset it',
  });
}

function namesUser(url: string): boolean {
  const { username = '', password = '' } = URL.parse(url) ?? {};
  return username !== '' || password !== '';
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim();
}

function isLoopback(url: string): boolean {
  const host = URL.parse(url)?.hostname ?? '';
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
