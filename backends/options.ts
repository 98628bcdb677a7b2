import type { z } from 'zod';
import { AosError } from '../plugin-sdk/index.ts';

/**
 * A backend's part of the configuration, checked; `standard` where nothing is configured. Throws `invalid`, naming the key;
 * never prints a value, which may be a secret.
 */
export function checkOptions<S extends z.ZodType>(
  schema: () => S,
  options: Readonly<Record<string, unknown>>,
  backend: string,
  standard: z.infer<S>,
): z.infer<S> {
  if (Object.keys(options).length === 0) return standard;
  const parsed = schema().safeParse(options);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const key = ['backends', backend, ...(issue?.path ?? [])].join('.');
  throw new AosError('invalid', {
    component: `backends/${backend}`,
    why: `the option ${key} is not usable: ${issue?.message ?? 'it has the wrong shape'}`,
    remedy: 'correct it in the configuration',
    cause: undefined,
  });
}
