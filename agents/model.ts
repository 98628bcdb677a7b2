/** Which model a name stands for, as the models plugin says. */

import { type Maybe, type PluginApi, parsePath, schema, then } from '../plugin-sdk/index.ts';

export const MODELS = parsePath('/aos/models');

const resolved = schema(z =>
  z.object({
    name: z.string(),
    path: z.string(),
    local: z.boolean(),
    /** Asked for where a request names no limit. */
    outputTokensDefault: z.number().positive().default(4_096),
    pricing: z.object({ input_per_1m: z.number(), output_per_1m: z.number() }).nullable(),
  }),
);

export interface Model {
  /** `provider/model`. */
  readonly name: string;
  readonly path: string;
  readonly local: boolean;
  /** USD for a million tokens; null where unknown. */
  readonly inputPrice: number | null;
  readonly outputPrice: number | null;
  /** Tokens that are asked for, and paid for in advance, where a request names no limit. */
  readonly outputTokens: number;
}

/** The default where no name is given. Throws `not_found` for an unknown one, naming the nearest. */
export function resolveModel({ aos, self }: Pick<PluginApi, 'aos' | 'self'>, model: string | undefined): Maybe<Model> {
  const request = { op: 'resolve', ...(model !== undefined && { model }) };
  return then(aos.call(self, MODELS, request), reply => {
    const { name, path, local, pricing, outputTokensDefault } = resolved().parse(reply);
    const full = name.includes('/') ? name : path.slice(`${MODELS}/`.length);
    return {
      name: full,
      path,
      local,
      inputPrice: pricing?.input_per_1m ?? null,
      outputPrice: pricing?.output_per_1m ?? null,
      outputTokens: outputTokensDefault,
    };
  });
}
