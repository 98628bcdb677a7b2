/** Bad input on the command line, each refused by the running daemon or before it is asked. */

import test from 'ava';
import { oneDaemon, type Refusal, refuses } from './bad-input.ts';

const daemon = oneDaemon();

interface Case extends Refusal {
  readonly args: readonly string[];
}

const OVER = 'x'.repeat(64 * 1024 + 1);

const usage = (args: readonly string[], why: RegExp, remedy: RegExp): Case => ({
  args,
  code: 2,
  errno: 'EINVAL',
  why,
  remedy,
});
const absent = (args: readonly string[], why: RegExp, remedy: RegExp): Case => ({
  args,
  code: 1,
  errno: 'ENOENT',
  why,
  remedy,
});
const fixed = (args: readonly string[], errno: string, why: RegExp, remedy: RegExp): Case => ({
  args,
  code: 1,
  errno,
  why,
  remedy,
});
const inbox = '/aos/agents/researcher/inbox';
const send = (value: string): string[] => ['write', inbox, '--value', value];
const ask = (...more: string[]): string[] => ['invoke', 'researcher', 'hi', ...more];

const TABLE: Readonly<Record<string, readonly Case[]>> = {
  'an agent, a path, a model or a run that is not there': [
    absent(['invoke', 'reseracher', 'hi'], /reseracher: there is no such agent/, /did you mean researcher/),
    absent(['invoke', 'nobody', 'hi'], /there is no such agent/, /\/aos\/etc\/agents\.d/),
    absent(['wait', 'nobody'], /there is no such agent/, /\/aos\/agents/),
    absent(['cat', '/aos/nowhere'], /\/aos\/nowhere: no such file/, /aos ls \/aos$/m),
    absent(['cat', '/aos/memory/no/where'], /no such file/, /aos ls \/aos\/memory\/no/),
    absent(['stat', '/aos/agents/researcher/staus'], /no such file/, /aos ls \/aos\/agents\/researcher/),
    absent(['rm', '/aos/memory/nothing'], /no such file/, /check the name/),
    absent(['write', '/aos/tools/nosuch/call', '--value', '{}'], /there is no such tool/, /search/),
    absent(ask('--model', 'nosuch/model'), /there is no model "nosuch\/model"/, /aos ls \/aos\/models/),
    absent(ask('--model', 'offlin/search'), /there is no model/, /did you mean offline\/search/),
    absent(ask('--context', '/aos/memory/none.ctx'), /no such file/, /aos ls/),
    absent(ask('--attach', '/nowhere/file'), /\/nowhere\/file: no such file/, /./),
    absent(['explain', 'read', '/aos', '--as', 'nobody'], /there is no such agent/, /./),
    absent(['kill', '999'], /999/, /aos ps/),
    absent(['wait', '999'], /999/, /aos ps/),
    absent(['umount', '/aos/mnt/none'], /nothing is mounted there/, /aos mount --list/),
  ],
  'a verb or a flag that there is not': [
    usage(['frobnicate'], /there is no verb "frobnicate"/, /aos --help/),
    usage(['pss'], /there is no verb "pss"/, /did you mean `aos ps`/),
    usage(['ps', '--tre'], /unknown option '--tre'/, /aos ps --help/),
    usage(['invoke', 'researcher', 'hi', '--modle', 'x'], /unknown option '--modle'/, /did you mean --model/),
    usage(['invoke', 'researcher', 'two', 'prompts'], /too many arguments: expected 2/, /--help/),
    usage(['invoke'], /missing required argument 'agent'/, /--help/),
    usage(['cost', '--by', 'moon'], /not "moon"/, /--help/),
    usage(['explain', 'frob', '/aos'], /"frob"/, /--help/),
    usage(['kill', 'abc'], /"abc" is not the number/, /--help/),
    usage(['kill', '-1'], /"-1"/, /--help/),
  ],
  'a number that is none, or out of range': [
    ...['-1', '0', 'NaN', 'Infinity', 'abc', ''].map(n =>
      usage(ask(`--budget=${n}`), /--budget takes a number above 0/, /aos invoke --help/),
    ),
    ...['-5', '0', 'NaN', 'soon'].map(n =>
      usage(ask(`--timeout=${n}`), /--timeout takes a number above 0/, /aos invoke --help/),
    ),
    usage(ask('--timeout', '1e9'), /timeout_sec/, /./),
    usage(ask('--budget', '1e12'), /max_cost_usd/, /./),
    usage(['why', '-n', 'many'], /--limit takes a number/, /--help/),
  ],
  'a message that cannot be one': [
    usage(['invoke', 'researcher', ''], /the prompt is empty/, /say what to ask/),
    usage(['invoke', 'researcher', ' \n\t '], /the prompt is empty/, /say what to ask/),
    usage(['invoke', 'researcher', '-'], /the prompt is empty/, /say what to ask/),
    usage(send(''), /the prompt is empty/, /./),
    usage(send('{"prompt": oops'), /begins with \{ and is not JSON/, /\{"prompt": "\.\.\."\}/),
    usage(send('{}'), /"prompt"/, /the keys are prompt/),
    usage(send('{"promt": "x"}'), /there is no key "promt" \(did you mean "prompt"/, /the keys are prompt/),
    usage(send('{"prompt": "x", "override": {"modle": "y"}}'), /"override\.modle"/, /./),
    usage(send('{"prompt": "x", "override": {"timeout_sec": -1}}'), /timeout_sec/, /./),
    usage(ask('--session', '../x'), /not a session id/, /./),
    usage(ask('--context', '/aos/README.md'), /not the path of a \.ctx file/, /./),
    { ...usage(send(OVER), /at most 65536 bytes/, /put the text into a file/), errno: 'EFBIG' },
    { ...usage(['invoke', 'researcher', OVER], /at most 65536 bytes/, /put the text into a file/), errno: 'EFBIG' },
  ],
  "a tool's request that it cannot use": [
    usage(['write', '/aos/tools/search/call', '--value', '{oops'], /JSON/, /write one JSON object/),
    usage(['write', '/aos/tools/search/call', '--value', '[1]'], /not a JSON object/, /schema\.json/),
    usage(['write', '/aos/tools/search/call', '--value', '{}'], /"query"/, /schema\.json/),
    usage(['write', '/aos/tools/search/call', '--value', '{"querry": "x"}'], /"querry"/, /schema\.json/),
    usage(['write', '/aos/tools/search/enabled', '--value', 'maybe'], /neither true nor false/, /write true or false/),
  ],
  'a path that is none': [
    usage(['cat', '/etc/passwd'], /not a path of the tree/, /begin it with \/aos\//),
    usage(['cat', ''], /"": not a path of the tree/, /begin it with/),
    usage(['cat', '/aos/memory/../../etc/passwd'], /no "\.\."/, /write it in full/),
    usage(['write', '/aos/memory/./x', '--value', 'x'], /no "\."/, /write it in full/),
    usage(['cat', '/aos//memory'], /no empty parts/, /single slashes/),
    usage(['write', '/aos/memory/a\nb', '--value', 'x'], /a name has no newline/, /choose another name/),
    {
      ...usage(['write', `/aos/memory/${'x'.repeat(256)}`, '--value', 'x'], /at most 255 bytes/, /shorter/),
      errno: 'ENAMETOOLONG',
    },
    {
      ...usage(['cat', `/aos${'/x'.repeat(2100)}`], /at most 4096 bytes/, /shorter/),
      errno: 'ENAMETOOLONG',
    },
  ],
  'what is not theirs to change, read or take away': [
    fixed(
      ['write', '/aos/agents/researcher/prefs.yaml', '--value', 'persona: evil'],
      'EPERM',
      /"persona".*only style/,
      /agents\.d/,
    ),
    usage(['write', '/aos/agents/researcher/prefs.yaml', '--value', ': ['], /not YAML/, /verbosity/),
    fixed(['write', '/aos/agents/researcher/config.yaml', '--value', 'x'], 'EROFS', /cannot be written/, /README/),
    fixed(['write', '/aos/agents/researcher/stream', '--value', 'x'], 'EROFS', /by the system alone/, /README/),
    fixed(['cat', inbox], 'EACCES', /can only be written/, /echo/),
    fixed(['cat', '/aos/agents'], 'EISDIR', /is a directory/, /list it/),
    fixed(['rm', '/aos/agents/researcher/config.yaml'], 'EROFS', /takes no such change/, /README/),
    fixed(['rm', '/aos/README.md'], 'EROFS', /takes no such change/, /README/),
    fixed(['rm', '/aos/procs'], 'EBUSY', /served there/, /aos umount/),
    fixed(['rm', '/aos'], 'EBUSY', /served there/, /aos umount/),
    usage(['write', '/aos/agents/researcher/session', '--value', '../x'], /not a session id/, /"new"/),
    usage(['write', '/aos/agents/researcher/context', '--value', '/etc'], /not a path of the tree/, /context\.ctx/),
    { ...usage(['umount', '/nowhere'], /mounted on|no mount/, /aos umount/) },
  ],
};

for (const [title, cases] of Object.entries(TABLE)) {
  test.serial(`refused with reason and remedy: ${title}`, async t => {
    for (const { args, ...want } of cases) await refuses(t, daemon(), args, want);
  });
}

test.serial('a run that has ended takes no more words, and says where its end is', async t => {
  const { stdout } = await daemon().aos('invoke', 'researcher', 'hi', '--wait', '--json');
  const { pid } = JSON.parse(stdout);
  const over = { code: 1, errno: 'ESRCH', why: /the run has ended/, remedy: new RegExp(`/aos/procs/${pid}/exit`) };
  await refuses(t, daemon(), ['kill', String(pid)], over);
  await refuses(t, daemon(), ['write', `/aos/procs/${pid}/ctl`, '--value', 'stop'], over);
  await refuses(t, daemon(), ['write', `/aos/procs/${pid}/stdin`, '--value', 'more'], over);
});

test.serial('nothing that was refused was run', async t => {
  const { stdout } = await daemon().aos('ps', '-a', '--json');
  t.is(JSON.parse(stdout).length, 1);
});
