/** Cursors as users see them: nobody can make one, read what is in it, or use it for another directory. */

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Cursors of one mount, for as long as it is served. */
export class Cursors {
  private readonly key = randomBytes(KEY_BYTES);

  /** `text` as a cursor for the directory `dir`: letters, digits, `-` and `_`. */
  seal(dir: string, text: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.key, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(dir));
    const body = Buffer.concat([cipher.update(text), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
  }

  /** What was sealed; undefined for what was not, or for another directory. */
  open(dir: string, cursor: string): string | undefined {
    const bytes = Buffer.from(cursor, 'base64url');
    // Decoding skips what it does not know.
    if (bytes.length < IV_BYTES + TAG_BYTES || bytes.toString('base64url') !== cursor) return undefined;
    const body = bytes.subarray(IV_BYTES + TAG_BYTES);
    const decipher = createDecipheriv(CIPHER, this.key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(dir)).setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(body), decipher.final()]).toString();
    } catch {
      // The tag does not fit: it was not sealed here.
      return undefined;
    }
  }
}
