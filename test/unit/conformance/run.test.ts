/** The runner as people and CI use it: a process, files, an exit code. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'conformance-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const good = {
  case: 'good',
  input: { op: 'canonicalize', json: '[ ]' },
  expect: {
    ok: true,
    canonical: '[]',
    sha256: '4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945',
  },
};
const wrong = {
  case: 'wrong',
  label: 'is told apart',
  input: { op: 'canonicalize', json: '[' },
  expect: { ok: true },
};

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function lines(...items: unknown[]): string {
  return items.map((item) => `${JSON.stringify(item)}\n`).join('');
}

function run(...files: string[]) {
  const runner = join(import.meta.dirname, '../../conformance/run.ts');
  const { stdout, status } = spawnSync(process.execPath, [runner, ...files], { encoding: 'utf8' });
  return { stdout, status, last: stdout.trimEnd().split('\n').at(-1) };
}

test('several files, packed or not, are counted together', () => {
  const plain = file('a.jsonl', lines(good, good));
  const packed = file('b.jsonl.gz', gzipSync(lines(good)));
  const { stdout, status, last } = run(plain, packed);
  expect({ status, last }).toEqual({ status: 0, last: '3 passed, 0 failed' });
  expect(stdout).toContain('canonicalize  3 passed, 0 failed');
});

test('a difference is shown with its case and place, the first five of them', () => {
  const { stdout, status, last } = run(
    file('c.jsonl', lines(good, ...Array.from({ length: 7 }, () => wrong))),
  );
  expect({ status, last }).toEqual({ status: 1, last: '1 passed, 7 failed' });
  expect(stdout).toContain('✗ wrong: is told apart  (c.jsonl:2)\n    at ok\n      - true\n      + false\n');
  expect(stdout.match(/✗/g)).toHaveLength(5);
  expect(stdout).toContain('… and 2 more');
});

describe('what cannot be run fails, and the rest runs nevertheless', () => {
  test.each([
    ['an unknown op', lines({ ...good, input: { op: 'fly' } }), 'unknown op "fly"'],
    ['an op that throws', lines({ ...good, input: { op: 'canonicalize' } }), 'the op threw'],
    ['a line that is no JSON', '{"case":\n', 'JSON'],
    ['a case without an expectation', lines({ ...good, expect: undefined }), '"expect" is missing'],
    ['a case without an op', lines({ ...good, input: {} }), '"input.op" is missing'],
    ['bytes that are not UTF-8', Buffer.concat([Buffer.of(0xff, 0x0a)]), 'not valid'],
    ['a file without cases', '\n', 'no case'],
  ])('%s', (_, content, message) => {
    const { stdout, status, last } = run(file('bad.jsonl', content), file('good.jsonl', lines(good)));
    expect({ status, last }).toEqual({ status: 1, last: '1 passed, 1 failed' });
    expect(stdout).toContain(message);
  });

  test('a missing file, and a packed one that is cut short', () => {
    const cut = file('cut.jsonl.gz', gzipSync(lines(good)).subarray(0, 40));
    const { status, last } = run(join(folder, 'missing.jsonl'), cut);
    expect({ status, last }).toEqual({ status: 1, last: '0 passed, 2 failed' });
  });
});

test('line separators inside a string do not end the line', () => {
  const text = '"\u2028\u2029\u0085"';
  const item = {
    case: 'separators',
    input: { op: 'canonicalize', json: text },
    expect: { ok: true, canonical: text, sha256: '' },
  };
  expect(run(file('d.jsonl', lines(item))).stdout).toContain('✗ separators  (d.jsonl:1)\n    at sha256\n');
});
