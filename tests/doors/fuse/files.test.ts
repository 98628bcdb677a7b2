/** Ordinary files through a real mount: what programs that know nothing of us do to them. */

import { mountTest } from './mounted.ts';

const FILES = (api: { aos: { add(path: string, kind: 'file', text?: string): unknown } }): void => {
  api.aos.add('/aos/files/f', 'file', 'hello\n');
};

mountTest('writing, appending, truncating, seeking', FILES, async (t, { sh }) => {
  t.is(
    (
      await sh(
        'cd files; echo a > n; echo b >> n; cat n; truncate -s 3 n; stat -c %s n; printf XY | dd of=n bs=1 seek=1 conv=notrunc 2>/dev/null; cat n',
      )
    ).out,
    'a\nb\n3\naXY',
  );
  t.is((await sh('cd files; fallocate -l 5000 big && stat -c %s big; : > big; stat -c %s big')).out, '5000\n0\n');
  t.is(
    (
      await sh(
        'cd files; head -c 3000000 /dev/urandom > /tmp/r.$$; cp /tmp/r.$$ r; cmp /tmp/r.$$ r && echo same; rm /tmp/r.$$',
      )
    ).out,
    'same\n',
  );
  t.is((await sh('cd files; sync f && echo synced')).out, 'synced\n');
});

mountTest('times, modes and owners', FILES, async (t, { sh }) => {
  t.is(
    (await sh('cd files; touch -d "2001-02-03 04:05:06.789 UTC" f; TZ=UTC stat -c "%y" f')).out,
    '2001-02-03 04:05:06.789000000 +0000\n',
  );
  t.is(
    (
      await sh(
        'cd files; chmod 751 f; stat -c %a f; touch f; test $(date +%s) -le $(($(stat -c %Y f) + 5)) && echo now',
      )
    ).out,
    '751\nnow\n',
  );
  t.is((await sh('cd files; touch -d "1960-01-01 UTC" f; stat -c %Y f')).out, '-315619200\n');
});

mountTest('names: mkdir, symlink, hard link, rename, exchange, remove', FILES, async (t, { sh }) => {
  t.is((await sh('cd files; mkdir -p d/e; echo x > d/e/x; mv d d2; cat d2/e/x; ls')).out, 'x\nd2\nf\n');
  t.is((await sh('cd files; ln -s ../files/f s; readlink s; cat s')).out, '../files/f\nhello\n');
  t.is(
    (
      await sh(
        'cd files; ln f g; test f -ef g && echo same; stat -c %h f; echo more >> g; cat f; rm f; cat g; stat -c %h g; mv g f',
      )
    ).out,
    'same\n2\nhello\nmore\nhello\nmore\n1\n',
  );
  t.regex((await sh('cd files; rmdir d2')).err, /not empty/);
  t.is(
    (await sh('cd files; echo 1 > one; echo 2 > two; mv -n one two; cat two; mv -f one two; cat two; ls one 2>&1')).out,
    "2\n1\nls: cannot access 'one': No such file or directory\n",
  );
  t.regex((await sh('cd files; mkfifo pipe')).err, /not permitted/);
  t.is((await sh('cd files; cd d2/e; rm x; cd ..; rmdir e; cd ..; rmdir d2; ls')).out, 'f\ns\ntwo\n');
});

mountTest('a directory moved while somebody stands in it', FILES, async (t, { sh }) => {
  t.is(
    (
      await sh(
        'cd files; mkdir -p a/b; cd a/b; mv ../../a ../../z; echo x > here; cat ../../z/b/here; pwd -P | sed "s|$M||"',
      )
    ).out,
    'x\n/files/z/b\n',
  );
});

mountTest('an open file outlives its name', FILES, async (t, { sh }) => {
  const ran = await sh(
    'cd files; exec 3<>f; rm f; stat -L -c %s /proc/self/fd/3; cat <&3; echo new > f; cat f; printf abc >&3; stat -L -c %s /proc/self/fd/3',
  );
  t.is(ran.out, '6\nhello\nnew\n9\n');
});

mountTest(
  'set-user-id is lost when somebody else writes',
  FILES,
  async (t, { sh, api }) => {
    await sh('cd files; chmod 6755 f; setpriv --reuid=65534 --regid=65534 --clear-groups bash -c "echo x >> f"');
    t.is(api.aos.root.children.get('files')?.children.get('f')?.mode.toString(8), '100755');
  },
  { allowOther: true },
);

mountTest('git works inside', FILES, async (t, { sh }) => {
  const ran = await sh(
    'cd files; export HOME=/nowhere; git init -q . && git add . && git -c user.name=a -c user.email=a@b commit -qm first && git status --porcelain && git log --oneline | wc -l && git fsck 2>/dev/null && git gc -q && git show HEAD:f',
  );
  t.is(ran.err, '');
  t.is(ran.out, '1\nhello\n');
});

mountTest('archives and searches see every file', FILES, async (t, { sh }) => {
  const ran = await sh(
    'cd files; for i in $(seq 300); do echo "text $i" > file-$i; done; ls | wc -l; grep -rl "text 17$" . ; tar cf - . | tar tf - | wc -l; find . -type f | wc -l; rm file-*; ls',
  );
  t.is(ran.out, '301\n./file-17\n302\n301\nf\n');
});

mountTest(
  'access(2) answers by bits and by grants',
  api => {
    api.aos.add('/aos/files/f', 'file', 'x');
    api.aos.add('/aos/status', 'value', 'x');
    api.aos.add('/aos/inbox', 'message');
    api.aos.add('/aos/no', 'file', 'x').fault = 'denied';
  },
  async (t, { sh }) => {
    const ran = await sh(
      'for f in files/f status inbox no; do for a in r w x; do test -$a $f && printf $a || printf -- -; done; echo; done',
    );
    t.is(ran.out, 'rw-\nr--\n-w-\n---\n');
  },
);
