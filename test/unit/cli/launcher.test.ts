/** bin/nixfleet-operator, in installations made up for the purpose. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Workplace } from './harness.ts';

const LAUNCHER = join(import.meta.dirname, '../../../bin/nixfleet-operator');
const SHELL = '/bin/sh';

function installation(place: Workplace, files: Readonly<Record<string, string>>): string {
  mkdirSync(place.path('bin'));
  copyFileSync(LAUNCHER, place.path('bin/nixfleet-operator'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(place.path(name)), { recursive: true });
    writeFileSync(place.path(name), text, { mode: 0o755 });
  }
  return place.path('bin/nixfleet-operator');
}

/** A Node that only says what it was asked to run. */
const NODE = '#!/bin/sh\necho "$0" "$@"\n';

describe('the launcher', () => {
  test.each([
    ['the sources where they are there', { 'src/main.ts': '', 'dist/main.mjs': '' }, 'src/main.ts'],
    ['the bundle where the sources are not', { 'dist/main.mjs': '' }, 'dist/main.mjs'],
  ])('runs %s, with the Node of its installation and every argument as given', (_, files, main) => {
    const place = new Workplace();
    const launcher = installation(place, { 'node_modules/.bin/node': NODE, ...files });
    const out = execFileSync(launcher, ['sign', 'a  b', ''], { encoding: 'utf8' });
    const [node, options] = [place.path('node_modules/.bin/node'), '--max-semi-space-size=4'];
    expect(out).toBe(`${node} ${options} ${place.path(main)} sign a  b \n`);
  });

  test('finds its installation through links', () => {
    const place = new Workplace();
    installation(place, { 'node_modules/.bin/node': NODE, 'src/main.ts': '' });
    mkdirSync(place.path('links'));
    symlinkSync('../bin/nixfleet-operator', place.path('links/one'));
    symlinkSync(place.path('links/one'), place.path('links/two'));
    const out = execFileSync(place.path('links/two'), { encoding: 'utf8', cwd: '/' });
    expect(out).toContain(place.path('src/main.ts'));
  });

  test('falls back to the Node on PATH', () => {
    const place = new Workplace();
    const launcher = installation(place, { 'src/main.ts': '', 'elsewhere/node': NODE });
    const PATH = `${place.path('elsewhere')}:/usr/bin:/bin`;
    expect(execFileSync(launcher, { encoding: 'utf8', env: { PATH } })).toContain('elsewhere/node');
  });

  test.each([
    ['no Node', { 'src/main.ts': '' }, /no Node found: run 'npm ci'/],
    ['nothing to run', { 'node_modules/.bin/node': NODE }, /the installation is incomplete/],
  ])('says what to do where there is %s', (_, files, message) => {
    const place = new Workplace();
    const launcher = installation(place, files);
    mkdirSync(place.path('tools'));
    for (const tool of ['dirname', 'readlink']) symlinkSync(`/usr/bin/${tool}`, place.path(`tools/${tool}`));
    const { status, stderr } = spawnSync(SHELL, [launcher], {
      encoding: 'utf8',
      env: { PATH: place.path('tools') },
    });
    expect({ status, stderr }).toMatchObject({ status: 2, stderr: expect.stringMatching(message) });
  });
});
