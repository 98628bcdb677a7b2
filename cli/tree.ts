/** Paths and names as a user types them. */

import { resolve } from 'node:path';
import { AosError } from '../core/errors.ts';
import type { Env } from './env.ts';

/**
 * A path of the tree. `/aos/...` always means the tree; anything else is taken from the working directory and must lie
 * below the mount. Throws `invalid`.
 */
export function treePath(text: string, env: Env): string {
  const path = treePathOrNone(text, env);
  if (path !== undefined) return path;
  throw new AosError('invalid', {
    component: 'aos',
    path: text === '' ? '""' : text,
    why: 'not a path of the tree',
    remedy: `begin it with /aos/, or be in ${env.mount}`,
  });
}

/** The same; undefined for what lies outside the tree. */
export function treePathOrNone(text: string, env: Env): string | undefined {
  if (text === '/aos' || text.startsWith('/aos/')) return text;
  const host = resolve(text);
  if (host === env.mount) return '/aos';
  return host.startsWith(`${env.mount}/`) ? `/aos${host.slice(env.mount.length)}` : undefined;
}

/** The name of an agent, or of whatever `dir` holds, given by itself or by its path. */
export function nameIn(dir: string, text: string): string {
  const prefix = `${dir}/`;
  return (text.startsWith(prefix) ? text.slice(prefix.length) : text).replace(/\/+$/, '');
}
