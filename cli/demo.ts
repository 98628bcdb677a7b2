/** `npm start`: starts the daemon if none runs, then plays a short session against it. Every command shown is really run. */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AosError, asAosError } from '../core/errors.ts';
import { keepCompiled } from './cache.ts';
import { makeClient } from './client.ts';
import { type Env, resolveEnv } from './env.ts';
import { isTerminal, line, note } from './output.ts';
import { fields, text } from './shape.ts';
import { startDaemon } from './start.ts';

/** What timeout(1) exits with where it had to end the command, as it does for `tail -f`. */
const TIMED_OUT = 124;

/** Who complains where it is only the mount that cannot be. */
const MOUNTING = ['kernel door', 'fuse-native driver'];

interface Step {
  readonly say: string;
  readonly run: string;
}

interface Served {
  readonly mount: string;
  readonly model: string;
}

const NOTE = 'High tide at the old pier comes 40 minutes after the harbour.';
const QUESTION = 'When is high tide at the old pier?';
const AGAIN = 'What do we know about the harbour?';

/** The session through files. */
const BY_FILES: readonly Step[] = [
  {
    say: 'Memory is a directory. Leave a note for the agents to find.',
    run: `echo "${NOTE}" > $AOS_MOUNT/memory/tides.md`,
  },
  {
    say: 'An agent is a directory too. Ask it by writing to its inbox.',
    run: `echo "${QUESTION}" > $AOS_MOUNT/agents/researcher/inbox`,
  },
  { say: 'What is it doing?', run: 'cat $AOS_MOUNT/agents/researcher/status' },
  { say: 'Watch the answer grow.', run: 'timeout 2 tail -n +1 -f $AOS_MOUNT/agents/researcher/stream' },
  {
    say: 'The finished answer, and what it cost in dollars.',
    run: 'cat $AOS_MOUNT/agents/researcher/output $AOS_MOUNT/agents/researcher/cost',
  },
  {
    say: 'Every conversation is kept as plain files.',
    run: 'grep -rl "old pier" $AOS_MOUNT/conversations | head -n 5',
  },
];

/** The same without a mount. */
const BY_VERBS: readonly Step[] = [
  {
    say: 'Memory is a directory. Leave a note for the agents to find.',
    run: `aos write /aos/memory/tides.md --value "${NOTE}"`,
  },
  {
    say: 'An agent is a directory too. Ask it by writing to its inbox.',
    run: `aos write /aos/agents/researcher/inbox --value "${QUESTION}"`,
  },
  { say: 'What is it doing?', run: 'aos cat /aos/agents/researcher/status' },
  { say: 'Watch the answer grow.', run: 'timeout 2 aos cat -f /aos/agents/researcher/stream' },
  {
    say: 'The finished answer, and what it cost in dollars.',
    run: 'aos cat /aos/agents/researcher/output /aos/agents/researcher/cost',
  },
  { say: 'Every conversation is kept as plain files.', run: 'aos search "old pier"' },
];

const BY_COMMAND: readonly Step[] = [
  { say: 'For scripts there is a command line.', run: `aos invoke researcher "${AGAIN}" --wait` },
  { say: 'The runs so far.', run: 'aos ps -a' },
];

keepCompiled();
process.exit(await demo());

async function demo(): Promise<number> {
  const env = resolveEnv();
  try {
    const served = await ensureDaemon(env);
    intro(served);
    const steps = [...(served.mount === '' ? BY_VERBS : BY_FILES), ...BY_COMMAND];
    let failed = 0;
    for (const step of steps) if (!(await play(step, env, served))) failed++;
    outro(served);
    if (failed > 0) note(`${failed} of ${steps.length} commands failed; \`aos logs\` may say why`);
    return failed > 0 ? 1 : 0;
  } catch (thrown) {
    note(asAosError(thrown, 'demo').message);
    return 1;
  }
}

/** The running daemon, or a new one; without a mount where there can be none. */
async function ensureDaemon(env: Env): Promise<Served> {
  const client = makeClient(env.socket);
  try {
    const status = fields(await client.call('/aos/system/status', {}));
    return { mount: text(status, 'mount'), model: text(status, 'model') };
  } catch (thrown) {
    if (!(thrown instanceof AosError) || thrown.kind !== 'not_running') throw thrown;
  }
  try {
    const { ready } = await startDaemon(env, { mount: env.mount });
    return { mount: ready.fuse ? ready.mount : '', model: ready.model };
  } catch (thrown) {
    const error = asAosError(thrown, 'aos-mount');
    // Whatever else is wrong would be wrong without a mount too.
    if (!MOUNTING.includes(error.component)) throw error;
    line(`No mount on this machine: ${error.message}\nThe same tree is reached by the aos command instead.\n`);
  }
  const { ready } = await startDaemon(env, { mount: env.mount, noFuse: true });
  return { mount: '', model: ready.model };
}

function intro({ mount, model }: Served): void {
  line(mount === '' ? 'Agent OS is running without a mount.' : `Agent OS is mounted on ${mount}.`);
  line(
    `The model that answers: ${model}.${isOffline(model) ? ' It is no language model: it finds and quotes what the tree holds.' : ''}`,
  );
}

function isOffline(model: string): boolean {
  return model.split('/')[0] === 'offline';
}

/** Prints the command and runs it, its output following. True where it did not fail. */
function play({ say, run }: Step, env: Env, { mount }: Served): Promise<boolean> {
  const [bold, plain] = isTerminal(1) ? ['\u001b[1m', '\u001b[0m'] : ['', ''];
  line(`\n# ${say}\n${bold}$ ${run}${plain}`);
  const vars = {
    ...process.env,
    PATH: `${binDir()}:${process.env.PATH ?? '/usr/bin:/bin'}`,
    AOS_HOME: env.home,
    AOS_SOCKET: env.socket,
    AOS_MOUNT: mount === '' ? env.mount : mount,
  };
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', run], { stdio: ['ignore', 'inherit', 'inherit'], env: vars });
    child.once('error', reject);
    child.once('exit', code => resolve(code === 0 || code === TIMED_OUT));
  });
}

/** Beside the sources, or one above what was built of them. */
function binDir(): string {
  const up = import.meta.url.endsWith('.ts') ? '../bin' : '../../bin';
  return fileURLToPath(new URL(up, import.meta.url));
}

function outro({ mount, model }: Served): void {
  const tree = mount === '' ? '/aos' : mount;
  const better = isOffline(model)
    ? [
        '',
        'For a language model, stop the daemon, set OPENAI_API_KEY (and OPENAI_BASE_URL for another server that',
        'speaks its protocol), and start again.',
      ]
    : [];
  line(
    [
      '',
      'To go on:',
      `  export PATH=${binDir()}:$PATH`,
      mount === '' ? '  aos ls /aos' : `  ls ${tree}; cat ${tree}/README.md`,
      '  aos invoke coder "..." --wait     another agent; aos --help lists every verb',
      '  aos status; aos logs -f           what the daemon is doing',
      ...better,
      '',
      'The daemon stays. Stop it with: aos umount',
    ].join('\n'),
  );
}
