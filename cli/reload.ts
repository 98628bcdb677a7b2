/** Takes over what changes in the configuration while the daemon runs: who may do what, and the money. */

import { type FSWatcher, realpathSync, unwatchFile, watch, watchFile } from 'node:fs';
import { basename, dirname } from 'node:path';
import { asAosError } from '../core/errors.ts';
import type { Config, Log } from '../core/types.ts';
import type { FoundConfig } from './config.ts';

/** What counts from the next operation on; everything else from the next start. */
const LIVE = ['grants', 'ceilings', 'budgets', 'audit'] as const satisfies readonly (keyof Config)[];

/** An editor writes in several steps. */
const SETTLE_MS = 20;
const POLL_MS = 250;

export interface Reloading {
  /** The file that was found; undefined where there is none to watch. */
  readonly file: string | undefined;
  load(): Promise<FoundConfig>;
  current(): Config;
  apply(config: Config): void;
  readonly log: Log;
}

export interface Reloader {
  /** Reads it again at once. Never fails: an invalid one is logged, and the last good one stays in force. */
  reload(): Promise<void>;
  stop(): void;
}

export function reloader(what: Reloading): Reloader {
  let timer: NodeJS.Timeout | undefined;
  const reload = (): Promise<void> => takeOver(what);
  const unwatch =
    what.file === undefined
      ? () => {}
      : watchedFile(what.file, () => {
          clearTimeout(timer);
          timer = setTimeout(() => void reload(), SETTLE_MS);
        });
  return {
    reload,
    stop() {
      clearTimeout(timer);
      unwatch();
    },
  };
}

async function takeOver({ load, current, apply, log }: Reloading): Promise<void> {
  try {
    const { config, file } = await load();
    const now = current();
    const [live, later] = [changes(now, config, true), changes(now, config, false)];
    if (live.length > 0) {
      const { grants, ceilings, budgets, audit } = config;
      apply(Object.freeze({ ...now, grants, ceilings, budgets, audit }));
      log.info({ config: file, changed: live }, 'the configuration changed');
    }
    if (later.length > 0) log.warn({ config: file, changed: later }, 'this takes effect at the next start');
  } catch (thrown) {
    const error = asAosError(thrown, 'config');
    log.error({ err: error }, 'the configuration was not taken over; the last good one stays in force');
  }
}

function changes(now: Config, next: Config, live: boolean): string[] {
  const keys = new Set([...Object.keys(now), ...Object.keys(next)]);
  return [...keys].filter(key => {
    if (LIVE.some(known => known === key) !== live) return false;
    return JSON.stringify(Reflect.get(now, key)) !== JSON.stringify(Reflect.get(next, key));
  });
}

/** A link is watched, and the file that it leads to: each can change without the other. */
function watchedFile(file: string, changed: () => void): () => void {
  let target = file;
  let unwatchTarget = (): void => {};
  const follow = (): void => {
    const now = targetOf(file);
    if (now === undefined || now === target) return;
    unwatchTarget();
    target = now;
    unwatchTarget = now === file ? () => {} : watchedName(now, heard);
  };
  const heard = (): void => {
    follow();
    changed();
  };
  const unwatchLink = watchedName(file, heard);
  follow();
  return () => {
    unwatchLink();
    unwatchTarget();
  };
}

/** The file that a link leads to. Undefined where it leads nowhere, as while its target is replaced. */
function targetOf(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}

/** Its directory is watched, since editors put another file in its place; without inotify the file is asked. */
function watchedName(file: string, changed: () => void): () => void {
  let watcher: FSWatcher | undefined;
  const name = basename(file);
  const poll = (): void => {
    watchFile(file, { interval: POLL_MS }, changed);
  };
  try {
    watcher = watch(dirname(file), { persistent: false }, (_event, which) => {
      if (which === null || which === name) changed();
    });
    watcher.on('error', poll);
  } catch {
    poll();
  }
  return () => {
    watcher?.close();
    unwatchFile(file, changed);
  };
}
