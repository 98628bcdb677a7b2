/** The programs that people use on their files, in the mounted directory. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { needs } from '../support/need.ts';

const TURN = '2026/11/20/101112-researcher-00900';

/** A finished turn, as an earlier daemon would have left it. */
function prepare(home: string): void {
  const dir = join(home, 'conversations', TURN);
  mkdirSync(join(dir, 'tools'), { recursive: true });
  const meta = {
    id: '101112-researcher-00900',
    agent: 'researcher',
    session: 's9',
    model: 'mock/one',
    prompt: 'What is a quokka?',
    outcome: 'completed',
    started: '2026-11-20T10:11:12.000Z',
  };
  writeFileSync(join(dir, 'meta.json'), `${JSON.stringify(meta, null, 2)}\n`);
  writeFileSync(join(dir, 'transcript.md'), '# researcher\n\nA quokka is a small macropod.\n');
}

async function inConversations(daemon: Daemon, script: string): Promise<string> {
  const done = await daemon.sh(`set -e; cd "$AOS_MOUNT/conversations"; ${script}`);
  if (done.code !== 0) throw new Error(`${script}\nexit ${done.code}\n${done.stdout}${done.stderr}`);
  return done.stdout;
}

const program = (command: string | string[]) => needs(test.serial, { fuse: true, command });

program('git')('git init, add, commit, status and log', async t => {
  const daemon = await startDaemon(t, { prepare });
  const git = 'git -c user.name=A -c user.email=a@example.com -c safe.directory="*"';
  await inConversations(daemon, `${git} init -q . && ${git} add . && ${git} commit -qm first`);
  t.is(await inConversations(daemon, `${git} status --porcelain`), '');
  t.regex(await inConversations(daemon, `${git} ls-files`), /2026\/11\/20\/101112-researcher-00900\/meta\.json/);
  await inConversations(
    daemon,
    `echo mine > notes.md && ${git} add notes.md && ${git} commit -qm second && ${git} gc -q`,
  );
  t.is((await inConversations(daemon, `${git} log --oneline`)).trimEnd().split('\n').length, 2);
  t.is((await inConversations(daemon, `${git} fsck`)).trim(), '');
});

program(['find', 'tar'])('find, grep and tar read all of it', async t => {
  const daemon = await startDaemon(t, { prepare });
  t.regex(await inConversations(daemon, 'find 2026 -name transcript.md'), /00900\/transcript\.md\n$/);
  t.regex(await inConversations(daemon, 'grep -rl macropod 2026'), /00900\/transcript\.md\n$/);
  t.regex(await inConversations(daemon, 'cat sessions/s9/*/transcript.md'), /small macropod/);
  const listed = await inConversations(daemon, 'tar cf - 2026 | tar tf -');
  t.regex(listed, /00900\/meta\.json/);
});

program('rg')('rg finds an answer', async t => {
  const daemon = await startDaemon(t, { prepare });
  t.regex(await inConversations(daemon, 'rg -l macropod .'), /00900\/transcript\.md/);
});

program('jq')('jq reads meta.json', async t => {
  const daemon = await startDaemon(t, { prepare });
  t.is(await inConversations(daemon, `jq -r .outcome ${TURN}/meta.json`), 'completed\n');
});

program('rsync')('rsync copies out and in, and finds nothing to do the second time', async t => {
  const daemon = await startDaemon(t, { prepare });
  const out = join(daemon.home, 'copy');
  await inConversations(daemon, `rsync -a 2026 "${out}/" && rsync -a "${out}/" backup/`);
  t.is(await inConversations(daemon, `rsync -ai "${out}/" backup/`), '');
});

program('vim')('vim edits a note in place, and is refused on a finished turn', async t => {
  const daemon = await startDaemon(t, { prepare });
  await inConversations(daemon, 'echo one > notes.md && vim -es -u NONE -c "s/one/two/" -c wq notes.md');
  t.is(readFileSync(join(daemon.home, 'conversations/notes.md'), 'utf8'), 'two\n');
  const refused = await daemon.sh(`cd "$AOS_MOUNT/conversations" && echo x >> ${TURN}/transcript.md`);
  t.not(refused.code, 0);
  t.regex(refused.stderr, /Read-only file system/);
});
