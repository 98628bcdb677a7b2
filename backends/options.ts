import type { z } from 'zod';
import { AosError } from '../plugin-sdk/index.ts';

/** A backend's part of the configuration, checked. Throws `invalid`, naming the key; never prints a value, which may be a secret. */
export function checkOptions<S extends z.ZodType>(schema: S, options: unknown, backend: string): z.infer<S> {
  const parsed = schema.safeParse(options);
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
