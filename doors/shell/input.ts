/** What a script says of its standard input before it runs: whether it is complete, and whether something would read from it. */

import { type CommandNode, parse, type ScriptNode } from 'just-bash';

/** They read their standard input unless more operands than these name files. */
const READERS: Readonly<Record<string, number>> = {
  awk: 1,
  base64: 0,
  bash: 0,
  cat: 0,
  column: 0,
  cut: 0,
  egrep: 1,
  expand: 0,
  fgrep: 1,
  fold: 0,
  grep: 1,
  gunzip: 0,
  gzip: 0,
  head: 0,
  jq: 1,
  md5sum: 0,
  nl: 0,
  od: 0,
  paste: 0,
  rev: 0,
  rg: 1,
  sed: 1,
  sh: 0,
  sha1sum: 0,
  sha256sum: 0,
  sort: 0,
  strings: 0,
  tac: 0,
  tail: 0,
  uniq: 0,
  wc: 0,
  yq: 1,
  zcat: 0,
};
/** They always do. */
const ALWAYS: ReadonlySet<string> = new Set(['mapfile', 'read', 'readarray', 'tee', 'tr', 'xargs']);

/** They take a single character as an option's value. */
const DELIMITED: ReadonlySet<string> = new Set(['column', 'cut', 'paste', 'sort']);

/** Whether a further line could complete it. */
export function isIncomplete(script: string): boolean {
  if (/(?:\||&&|[^\\]\\)\s*$/.test(script)) return true;
  try {
    return hasOpenHeredoc(parse(script));
  } catch (thrown) {
    return thrown instanceof Error && /(?:unexpected|got) EOF/.test(thrown.message);
  }
}

function hasOpenHeredoc(node: unknown): boolean {
  if (typeof node !== 'object' || node === null) return false;
  if ('type' in node && node.type === 'HereDoc' && 'terminated' in node && node.terminated === false) return true;
  return Object.values(node).some(hasOpenHeredoc);
}

/**
 * Whether something in the script would read what the script itself is given. Waiting for input that never ends, for a script that
 * wants none, would be worse than to miss a reader: what is not known is taken to read nothing.
 */
export function readsInput(script: string): boolean {
  let ast: ScriptNode;
  try {
    ast = parse(script);
  } catch {
    return false;
  }
  return ast.statements.some(statement => looks(statement));
}

/** Only the first command of a pipeline has the script's own input. */
function looks(node: unknown): boolean {
  if (typeof node !== 'object' || node === null) return false;
  if ('type' in node && node.type === 'Pipeline' && 'commands' in node && Array.isArray(node.commands)) {
    // What the parser puts into a pipeline are commands.
    const [first] = node.commands as CommandNode[];
    return first !== undefined && commandReads(first);
  }
  return Object.values(node).some(looks);
}

function commandReads(command: CommandNode): boolean {
  if (command.redirections.some(({ operator, fd }) => operator.startsWith('<') && (fd ?? 0) === 0)) return false;
  if (command.type !== 'SimpleCommand') return Object.values(command).some(looks);
  const words = command.args.map(textOf);
  if (words.some(word => word === '/dev/stdin')) return true;
  const name = command.name === null ? '' : (textOf(command.name) ?? '');
  if (ALWAYS.has(name)) return true;
  const most = Object.hasOwn(READERS, name) ? READERS[name] : undefined;
  if ([...command.assignments, ...command.args].some(looks)) return true;
  if (most === undefined) return false;
  if (words.includes('-')) return true;
  if (/grep$|^rg$/.test(name) && words.some(word => /^-\w*[rR]|^--recursive/.test(word ?? ''))) return false;
  if (/^(?:bash|sh)$/.test(name) && words.some(word => /^-\w*c/.test(word ?? ''))) return false;
  return words.filter(word => isOperand(word, DELIMITED.has(name))).length <= most;
}

/** Numbers, and the one character of `cut -d ,`, belong to the option before them. */
function isOperand(word: string | undefined, delimited: boolean): boolean {
  if (word === undefined) return true;
  return !/^[-+]./.test(word) && !/^\d+\w?$/.test(word) && !(delimited && word.length === 1);
}

function textOf({ parts }: CommandNode['redirections'][number]['target'] & { type: 'Word' }): string | undefined {
  let text = '';
  for (const part of parts) {
    if (part.type !== 'Literal' && part.type !== 'SingleQuoted') return undefined;
    text += part.value;
  }
  return text;
}
