/** Helpers for answers that are there now or come later, so that what is there now costs no tick. */

import type { Maybe } from './types.ts';

export function isPromise<T>(value: Maybe<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** `fn` of the answer: at once where the answer is there. */
export function then<T, R>(value: Maybe<T>, fn: (value: T) => Maybe<R>): Maybe<R> {
  return isPromise(value) ? value.then(fn) : fn(value);
}

/** What the act gives; where it fails, now or later, what `failed` makes of the error. */
export function caught<T, R>(act: () => Maybe<T>, failed: (thrown: unknown) => Maybe<R>): Maybe<T | R> {
  try {
    const answer = act();
    return isPromise(answer) ? answer.catch(failed) : answer;
  } catch (thrown) {
    return failed(thrown);
  }
}

/** What the act gives; `end` is called when it is over, however it ends. */
export function ending<T>(act: () => Maybe<T>, end: () => void): Maybe<T> {
  let answer: Maybe<T>;
  try {
    answer = act();
  } catch (thrown) {
    end();
    throw thrown;
  }
  if (isPromise(answer)) return answer.finally(end);
  end();
  return answer;
}
