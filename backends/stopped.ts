import { AosError } from '../plugin-sdk/index.ts';

/** What a backend throws where its caller gave up. */
export function stopped(component: string): AosError {
  return new AosError('interrupted', { component, why: 'the request was stopped before the answer was complete' });
}
