/** Whether a request reached its server: for what did, the provider may send a bill. */

/** Codes of errors that come before anything is sent: no address, no connection, no trust in it. */
const UNSENT =
  /^(EAI_|ENOTFOUND|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|UND_ERR_(CONNECT_TIMEOUT|INVALID_ARG)|ERR_(TLS|SSL)_)|CERT|SIGNATURE/;

/**
 * `fetch`, which calls `onSent` once the server has taken a request up, for each attempt anew. A refusal is not one. What
 * ended without an answer when it may have gone out is: a timeout, an abort, a connection that broke.
 */
export function telling(onSent: () => void): typeof fetch {
  return async (input, init) => {
    let response: Response;
    try {
      response = await fetch(input, init);
    } catch (error) {
      if (mayBeSent(error)) onSent();
      throw error;
    }
    if (response.ok) onSent();
    return response;
  };
}

function mayBeSent(error: unknown): boolean {
  if (error instanceof Error && error.name === 'AbortError') return true;
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('syscall' in at && at.syscall === 'connect') return false;
    if ('code' in at && typeof at.code === 'string') return !UNSENT.test(at.code);
  }
  // Without a code it is fetch itself that refuses: a port that it takes for no web server's, for example.
  return false;
}
