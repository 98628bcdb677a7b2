/** Which model answers where nobody names one, and why not another (contract section 7). */

import { isPromise, type Maybe, type Millis, then } from '../plugin-sdk/index.ts';
import type { Provider, Providers } from './providers.ts';

export interface Choice {
  /** `provider/model`. */
  readonly name: string;
  readonly why: string;
  /** Who was asked before and cannot answer. */
  readonly skipped: readonly { readonly provider: string; readonly why: string }[];
}

/** A model server that is started later is found after so long. */
const CHOICE_KEPT_MS = 15_000;

/** After these nobody is asked: the first always can, the second is only for who names it. */
const LAST = 'offline';
const NEVER_BY_DEFAULT: ReadonlySet<string> = new Set(['mock', LAST]);

export class DefaultModel {
  private readonly providers: Providers;
  private readonly configured: string | undefined;
  private readonly now: () => Millis;
  private choice: Maybe<Choice> | undefined;
  private until: Millis = 0;

  constructor(providers: Providers, configured: string | undefined, now: () => Millis) {
    this.providers = providers;
    this.configured = configured;
    this.now = now;
  }

  /** At once, except while the very first look for servers goes on. A later look goes on behind the last answer. */
  get(): Maybe<Choice> {
    if (this.configured !== undefined) {
      return { name: this.configured, why: 'it is the configured default (model)', skipped: [] };
    }
    if (this.choice === undefined) return this.look();
    if (this.now() >= this.until && !isPromise(this.choice)) {
      const last = this.choice;
      const next = this.look();
      if (isPromise(next)) return last;
    }
    return this.choice;
  }

  private look(): Maybe<Choice> {
    const first = this.choice === undefined;
    this.until = this.now() + CHOICE_KEPT_MS;
    const found = this.choose();
    if (!isPromise(found)) {
      this.choice = found;
      return found;
    }
    const kept = found.then(choice => {
      this.choice = choice;
      return choice;
    });
    if (first) this.choice = kept;
    return kept;
  }

  private choose(): Maybe<Choice> {
    const candidates = this.providers.all.filter(provider => !NEVER_BY_DEFAULT.has(provider.name));
    // All are asked at the same time, so that looking takes no longer than the slowest.
    const answers = candidates.map(provider => firstModel(provider));
    return answers.some(isPromise)
      ? Promise.all(answers).then(found => pick(candidates, found))
      : pick(candidates, answers as Answer[]); // None is a promise, as was just checked.
  }
}

type Answer = { readonly name: string; readonly why: string } | { readonly name: undefined; readonly why: string };

function firstModel(provider: Provider): Maybe<Answer> {
  const answer = then(provider.available(), ({ ok, why }): Maybe<Answer> => {
    if (!ok) return { name: undefined, why };
    return then(
      provider.models(),
      ([first]): Answer =>
        first === undefined ? { name: undefined, why: 'it has no models' } : { name: first.name, why },
    );
  });
  return isPromise(answer) ? answer.catch(failed) : answer;
}

function failed(error: unknown): Answer {
  return { name: undefined, why: error instanceof Error ? error.message : String(error) };
}

function pick(candidates: readonly Provider[], answers: readonly Answer[]): Choice {
  const skipped: { provider: string; why: string }[] = [];
  for (const [index, answer] of answers.entries()) {
    if (answer.name !== undefined) return { name: answer.name, why: answer.why, skipped };
    skipped.push({ provider: candidates[index]?.name ?? '', why: answer.why });
  }
  return { name: `${LAST}/search`, why: 'no language model is available, so the built-in search answers', skipped };
}
