import type { z } from 'zod';
import { AosError, zod } from '../plugin-sdk/index.ts';

/** A tool's arguments by their schema. Throws `invalid`, naming the argument. */
export function checked<S extends z.ZodType>(tool: string, schema: () => S, args: unknown): z.infer<S> {
  const parsed = schema().safeParse(args);
  if (parsed.success) return parsed.data;
  // A misspelt argument is the reason for whatever else is missing.
  const { issues } = parsed.error;
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  const key = issue?.path.join('.') ?? '';
  throw new AosError('invalid', {
    component: 'tools',
    path: `/aos/tools/${tool}`,
    why: `${key === '' ? 'the arguments are' : `the argument "${key}" is`} not usable: ${issue?.message ?? 'wrong shape'}`,
    remedy: `see: aos cat /aos/tools/${tool}/schema.json`,
  });
}

/** Gives the schema as a model and `schema.json` see it; made at the first call. */
export function parametersOf(schema: () => z.ZodType): () => Readonly<Record<string, unknown>> {
  let made: Readonly<Record<string, unknown>> | undefined;
  return () => {
    if (made === undefined) {
      const { $schema: _, ...parameters } = zod().toJSONSchema(schema(), { io: 'input' });
      made = parameters;
    }
    return made;
  };
}
