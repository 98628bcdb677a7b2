/** Schemas that are made when they are first used. Zod is loaded with the first of them: no start waits for its hundred files. */

import { createRequire } from 'node:module';
import type { z } from 'zod';

type Zod = typeof z;

let loaded: Zod | undefined;

/** Zod itself, for its functions on schemas. */
export function zod(): Zod {
  // `require` is untyped; this is the type of the very package it loads.
  loaded ??= (createRequire(import.meta.url)('zod') as { readonly z: Zod }).z;
  return loaded;
}

/** Gives one schema for ever, made by `make` at the first call. */
export function schema<S extends z.ZodType>(make: (z: Zod) => S): () => S {
  let made: S | undefined;
  return () => {
    made ??= make(zod());
    return made;
  };
}

/** One thing that is wrong with a value. */
export type Issue = z.core.$ZodIssue;

/** What a schema made by `schema` gives. */
export type Infer<F extends () => z.ZodType> = z.infer<ReturnType<F>>;
