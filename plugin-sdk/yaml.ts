import { createRequire } from 'node:module';

type Yaml = typeof import('yaml');

let loaded: Yaml | undefined;

/** The YAML library, loaded when there is something to read or write: no start waits for its seventy files. */
export function yaml(): Yaml {
  // `require` is untyped; this is the type of the very package it loads.
  loaded ??= createRequire(import.meta.url)('yaml') as Yaml;
  return loaded;
}
