import { AosError } from '../../core/errors.ts';

/** What `act` was refused with. Fails where it was not, or ended with anything else. */
export async function refusal(act: () => unknown): Promise<AosError> {
  try {
    await act();
  } catch (error) {
    if (error instanceof AosError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
