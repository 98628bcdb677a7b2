/** What the tests of a plugin import. Nothing here is loaded by a daemon. */

export { type Assert, type Bench, conforms, type How, type Register, type Rule, type Subject } from './conforms.ts';
