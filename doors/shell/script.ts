/** Changes to a parsed script: what a redirect wrote is committed when its command ends, and output comes as it is made. */

import { type CommandNode, parse, type ScriptNode, type StatementNode, serialize, type WordNode } from 'just-bash';
import { CLOSE, NOTE, TEXT } from './commands.ts';
import { DEVICES } from './fs.ts';

type Pipeline = StatementNode['pipelines'][number];
type Redirection = Extract<CommandNode, { type: 'Group' }>['redirections'][number];
type Function = Extract<CommandNode, { type: 'FunctionDef' }>;

const OUTPUT: ReadonlySet<string> = new Set(['>', '>>', '>|', '&>', '&>>', '<>']);
/** Nothing to commit there. */
const NOWHERE: ReadonlySet<string> = new Set(['/dev/null', '/dev/stdout', '/dev/stderr']);

/**
 * A command with redirects to files becomes `{ command; __close N; }`, wherever it is, and after each `read` stands `&& __text`,
 * which makes text of the bytes that were read. Both leave `$?` as it was.
 */
export function prepared(ast: ScriptNode): ScriptNode {
  visit(ast);
  return ast;
}

function visit(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  for (const child of Object.values(node)) visit(child);
  if (isStatement(node)) followReads(node);
  if (isPipeline(node)) node.commands = node.commands.map(closed);
}

function isStatement(node: object): node is StatementNode {
  return 'type' in node && node.type === 'Statement';
}

function isPipeline(node: object): node is Pipeline {
  return 'type' in node && node.type === 'Pipeline';
}

function closed(command: CommandNode): CommandNode {
  const files = filesOf(command);
  if (files === 0) return command;
  return group([statement(alone(command)), statement(alone(simple(CLOSE, [word(String(files))])))], []);
}

/** Not in a group, from which the loop around it would not hear how much was read. */
function followReads(node: StatementNode): void {
  const pipelines: Pipeline[] = [];
  const operators: StatementNode['operators'] = [];
  for (const [i, pipeline] of node.pipelines.entries()) {
    const operator = node.operators[i - 1];
    if (operator !== undefined) operators.push(operator);
    pipelines.push(pipeline);
    const [first] = pipeline.commands;
    const isPart = pipeline.negated || pipeline.commands.length > 1;
    const names = isPart || first === undefined ? undefined : namesRead(first);
    if (names === undefined) continue;
    operators.push('&&');
    pipelines.push(alone(simple(TEXT, names)));
  }
  node.pipelines = pipelines;
  node.operators = operators;
}

/** How many files its redirects write. Those of `exec` are the shell's own from then on. */
function filesOf(command: CommandNode): number {
  if (command.type === 'FunctionDef' || isNamed(command, /^exec$/)) return 0;
  return command.redirections.filter(isFile).length;
}

/** Where a `read` puts what it reads; undefined for what is none. An array's elements are words that expand to them. */
function namesRead(command: CommandNode): WordNode[] | undefined {
  if (command.type !== 'SimpleCommand' || !isNamed(command, /^(?:read|mapfile|readarray)$/)) return undefined;
  const words = command.args.map(literal);
  const isArray = !isNamed(command, /^read$/);
  const names: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const text = words[i];
    if (text === undefined) return undefined;
    if (!text.startsWith('-')) names.push(text);
    else if (/^-\w*a$/.test(text) && !isArray) return elements(words[i + 1]);
    else if ((isArray ? /^-\w*[dnOsucC]$/ : /^-\w*[dinNptu]$/).test(text)) i++;
  }
  if (isArray) return elements(names[0] ?? 'MAPFILE');
  return (names.length === 0 ? ['REPLY'] : names).map(word);
}

/** `name[] "${name[@]}"` */
function elements(name: string | undefined): WordNode[] | undefined {
  if (name === undefined || !/^\w+$/.test(name)) return undefined;
  const [made] = parse(`x '${name}[]' "\${${name}[@]}"`).statements[0]?.pipelines[0]?.commands ?? [];
  return made?.type === 'SimpleCommand' ? made.args : undefined;
}

function isFile({ operator, fdVariable, target }: Redirection): boolean {
  if (fdVariable !== undefined || target.type !== 'Word') return false;
  const text = literal(target);
  if (text !== undefined && NOWHERE.has(text)) return false;
  return OUTPUT.has(operator) || (operator === '>&' && (text === undefined || !/^(?:\d+-?|-)$/.test(text)));
}

/**
 * Each statement at the top with its output redirected to the devices, which pass it on at once. Left alone: what redirects
 * the shell itself, what runs in the background, and scripts that ask for the parts of the pipeline before.
 */
export function streaming(ast: ScriptNode): ScriptNode {
  if (mentions(ast, 'PIPESTATUS')) return ast;
  return { ...ast, statements: ast.statements.map(one => (isPlain(one) ? streamed(one) : one)) };
}

function isPlain(one: StatementNode): boolean {
  if (one.background || one.deferredError !== undefined) return false;
  const commands = one.pipelines.flatMap(pipeline => pipeline.commands);
  return !commands.some(command => command.type === 'FunctionDef' || isNamed(command, /^exec$/));
}

function streamed(one: StatementNode): StatementNode {
  const to = (fd: number, path: string): Redirection => ({
    type: 'Redirection',
    fd,
    operator: '>',
    target: word(path),
  });
  return statement(alone(group([one], [to(1, DEVICES.stdout), to(2, DEVICES.stderr)])));
}

/** A last statement that says what the next script of a session has to know. */
export function withState(ast: ScriptNode): ScriptNode {
  const dump = parse(`${NOTE}; { declare -p; set +o; alias; } > ${DEVICES.state} 2>/dev/null`);
  return { ...ast, statements: [...ast.statements, ...dump.statements] };
}

/** The functions that a script defines, by name, as scripts of their own. */
export function functionsOf(ast: ScriptNode): Map<string, string> {
  const found = new Map<string, string>();
  const look = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if (isFunction(node)) found.set(node.name, serialize({ type: 'Script', statements: [statement(alone(node))] }));
    for (const child of Object.values(node)) look(child);
  };
  look(ast);
  return found;
}

function isFunction(node: object): node is Function {
  return 'type' in node && node.type === 'FunctionDef';
}

/** Whether the script calls `exit` somewhere. */
export function exits(ast: ScriptNode): boolean {
  let found = false;
  const look = (node: unknown): void => {
    if (found || typeof node !== 'object' || node === null) return;
    if (isCommand(node) && isNamed(node, /^(?:exit|logout)$/)) found = true;
    for (const child of Object.values(node)) look(child);
  };
  look(ast);
  return found;
}

function isCommand(node: object): node is CommandNode {
  return 'type' in node && node.type === 'SimpleCommand';
}

function isNamed(command: CommandNode, name: RegExp): boolean {
  return command.type === 'SimpleCommand' && command.name !== null && name.test(literal(command.name) ?? '');
}

function mentions(node: unknown, name: string): boolean {
  if (typeof node === 'string') return node.includes(name);
  if (typeof node !== 'object' || node === null) return false;
  return Object.values(node).some(child => mentions(child, name));
}

function literal({ parts }: WordNode): string | undefined {
  let text = '';
  for (const part of parts) {
    if (part.type !== 'Literal' && part.type !== 'SingleQuoted') return undefined;
    text += part.value;
  }
  return text;
}

function word(value: string): WordNode {
  return { type: 'Word', parts: [{ type: 'Literal', value }] };
}

function simple(name: string, args: WordNode[]): CommandNode {
  return { type: 'SimpleCommand', assignments: [], name: word(name), args, redirections: [] };
}

function alone(command: CommandNode): Pipeline {
  return { type: 'Pipeline', commands: [command], negated: false };
}

function statement(pipeline: Pipeline): StatementNode {
  return { type: 'Statement', pipelines: [pipeline], operators: [], background: false };
}

function group(body: StatementNode[], redirections: Redirection[]): CommandNode {
  return { type: 'Group', body, redirections };
}
