import { expect, test } from 'vitest';
import { KubeError } from '../../../src/kube/errors.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';

function capture(): { readonly lines: Record<string, unknown>[]; write(line: string): void } {
  const lines: Record<string, unknown>[] = [];
  return { lines, write: (line) => void lines.push(JSON.parse(line)) };
}

test('a line is JSON with the level as a word, an ISO time and the fields of its logger', () => {
  const out = capture();
  createLogger({ level: 'info', destination: out })
    .child({ controller: 'record' })
    .warn({ key: 'a/b' }, 'something is odd');
  expect(out.lines).toEqual([
    {
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      controller: 'record',
      key: 'a/b',
      msg: 'something is odd',
    },
  ]);
});

test('secrets do not reach the log, wherever they are carried', () => {
  const out = capture();
  const log = createLogger({ level: 'info', destination: out });
  log.info(
    { token: 's3cret', user: { authorization: 's3cret' }, headers: { authorization: 's3cret' } },
    'hello',
  );
  log.child({ password: 's3cret' }).info({ data: { a: 's3cret' } }, 'hello again');
  expect(JSON.stringify(out.lines)).not.toContain('s3cret');
});

test('decisions go to the logger named audit', () => {
  const out = capture();
  createLogger({ level: 'error', destination: out }).audit.error({ who: 'web-01' }, 'refused');
  expect(out.lines[0]).toMatchObject({ logger: 'audit', who: 'web-01' });
});

test('an error is logged with what it means and where it came from', () => {
  const out = capture();
  const err = new KubeError({ status: 0, reason: 'Timeout', message: 'late', cause: new Error('socket') });
  createLogger({ level: 'info', destination: out }).error({ err }, 'failed');
  expect(out.lines[0]).toMatchObject({
    err: { type: 'KubeError', reason: 'Timeout', message: 'late', cause: { message: 'socket' } },
  });
});
