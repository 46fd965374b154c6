import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { findControlPlaneBinaries } from '../../src/dev/binaries.ts';
import {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
} from '../../src/dev/control-plane.ts';
import { kubectl, runKubectl } from '../../src/dev/kubectl.ts';
import { isRunning } from './support/processes.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const controlPlane = await startControlPlane(options);
  cleanups.push(async () => controlPlane.stop());
  return controlPlane;
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nixfleet-test-'));
  cleanups.push(async () => rm(folder, { recursive: true, force: true }));
  return folder;
}

function configMap(name: string): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } });
}

describe('a throw-away control plane', () => {
  test('is ready, answers kubectl, and leaves neither process nor folder behind', async () => {
    const controlPlane = await start();
    const admin = { kubeconfig: controlPlane.kubeconfigPath };
    expect(await kubectl(['get', '--raw', '/readyz'], admin)).toBe('ok');
    await kubectl(['create', '-f', '-'], { ...admin, input: configMap('seen') });
    expect(await kubectl(['get', 'configmap', 'seen', '-o', 'name'], admin)).toBe('configmap/seen\n');

    const pids = Object.values(controlPlane.pids).filter((pid) => pid !== undefined);
    expect(pids).toHaveLength(3);
    await controlPlane.stop();
    expect(pids.filter(isRunning)).toEqual([]);
    expect(existsSync(controlPlane.folder)).toBe(false);
  });

  test('gives other identities only the rights that RBAC grants their groups', async () => {
    const controlPlane = await start();
    const admin = { kubeconfig: controlPlane.kubeconfigPath };
    const reader = { kubeconfig: await controlPlane.writeKubeconfigFor('jo', ['people', 'readers']) };
    const refused = await runKubectl(['get', 'configmaps'], reader);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('User "jo" cannot list resource "configmaps"');

    await kubectl(['create', 'role', 'reader', '--verb=list', '--resource=configmaps'], admin);
    await kubectl(['create', 'rolebinding', 'reader', '--role=reader', '--group=readers'], admin);
    await expect.poll(async () => (await runKubectl(['get', 'configmaps'], reader)).code).toBe(0);
  });

  test('keeps what was written when etcd or the API server is killed and started again', async () => {
    const controlPlane = await start();
    const admin = { kubeconfig: controlPlane.kubeconfigPath };
    await kubectl(['create', '-f', '-'], { ...admin, input: configMap('kept') });
    for (const child of ['etcd', 'kube-apiserver'] as const) {
      await controlPlane.crash(child);
      expect(controlPlane.pids[child]).toBeUndefined();
      await controlPlane.restart(child);
      expect(await kubectl(['get', 'configmap', 'kept', '-o', 'name'], admin)).toBe('configmap/kept\n');
    }
  });

  test('writes the bodies of what the operator writes to the audit log', async () => {
    const auditLog = join(await temporaryFolder(), 'audit.jsonl');
    const controlPlane = await start({ auditLog });
    const admin = { kubeconfig: controlPlane.kubeconfigPath };
    await kubectl(['create', '-f', '-'], { ...admin, input: configMap('audited') });
    const entry = z.object({ verb: z.string(), requestObject: z.object({ metadata: z.unknown() }) });
    const lines = (await readFile(auditLog, 'utf8')).split('\n').filter((line) => line.includes('"audited"'));
    expect(lines.map((line) => entry.parse(JSON.parse(line)).verb)).toEqual(['create']);
  });
});

const startedSchema = z.object({
  folder: z.string(),
  pids: z.object({ etcd: z.number(), 'kube-apiserver': z.number(), guardian: z.number() }),
});

async function startInOtherProcess() {
  const script = fileURLToPath(new URL('support/control-plane-parent.ts', import.meta.url));
  const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: parent.stdout }), 'line');
  return { parent, ...startedSchema.parse(JSON.parse(String(line))) };
}

describe('a control plane whose parent is killed with SIGKILL', () => {
  test('is gone, folder included', async () => {
    const { parent, folder, pids } = await startInOtherProcess();
    expect(Object.values(pids).every(isRunning)).toBe(true);
    parent.kill('SIGKILL');
    await expect.poll(() => Object.values(pids).filter(isRunning), { timeout: 20_000 }).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  });

  test.runIf(existsSync('/usr/bin/setpriv'))('is gone even when its guardian is killed as well', async () => {
    const { parent, folder, pids } = await startInOtherProcess();
    cleanups.push(async () => rm(folder, { recursive: true, force: true }));
    process.kill(pids.guardian, 'SIGKILL');
    parent.kill('SIGKILL');
    await expect.poll(() => Object.values(pids).filter(isRunning), { timeout: 20_000 }).toEqual([]);
  });
});

describe('a control plane with a folder to keep', () => {
  test('goes on with its ports, credentials and objects, and the folder has one user at a time', async () => {
    const stateDir = join(await temporaryFolder(), 'state');
    const first = await start({ stateDir });
    const jo = await first.writeKubeconfigFor('jo', ['system:masters']);
    await kubectl(['create', '-f', '-'], { kubeconfig: jo, input: configMap('kept') });
    await expect(startControlPlane({ stateDir })).rejects.toThrow(
      `another control plane is using ${stateDir}: stop it, or choose another folder`,
    );
    await first.stop();

    const second = await start({ stateDir });
    expect(second.serverUrl).toBe(first.serverUrl);
    expect(await kubectl(['get', 'configmap', 'kept', '-o', 'name'], { kubeconfig: jo })).toBe(
      'configmap/kept\n',
    );
  });
});

describe('the programs of the control plane', () => {
  test('neither the folder nor Go: the error names both remedies', async () => {
    const empty = await temporaryFolder();
    const search = findControlPlaneBinaries(() => undefined, { PATH: empty, XDG_CACHE_HOME: empty });
    await expect(search).rejects.toThrowErrorMatchingInlineSnapshot(`
      [Error: The local control plane needs the programs etcd and kube-apiserver, and neither way to get them is open:
        * KUBEBUILDER_ASSETS is not set. Set it to a folder that holds both, for instance the one setup-envtest prints.
        * There is no Go on PATH. Install Go 1.26 or newer (https://go.dev/dl) and both are built once, in about 5 minutes.]
    `);
  });

  test('a folder in KUBEBUILDER_ASSETS that lacks one of them is an error, not a reason to build', async () => {
    const empty = await temporaryFolder();
    const search = findControlPlaneBinaries(() => undefined, { KUBEBUILDER_ASSETS: empty });
    await expect(search).rejects.toThrow(
      `KUBEBUILDER_ASSETS=${empty} has no executable etcd: name a folder with etcd and kube-apiserver`,
    );
  });

  test('two that need them at once build them once, and the third finds them', async () => {
    const { env, calls } = await environmentWithFakeGo();
    const lines: string[] = [];
    const find = async () => findControlPlaneBinaries((line) => lines.push(line), env);
    const [one, two] = await Promise.all([find(), find()]);
    expect(two).toEqual(one);
    expect(await find()).toEqual(one);
    expect(existsSync(one.etcd) && existsSync(one.kubeApiServer)).toBe(true);
    expect(await calls('build')).toHaveLength(2);
    expect((await calls('build'))[1]).toMatch(/-X k8s.io\/component-base\/version.gitVersion=v1\.\d+\.\d+/);
    expect(lines.some((line) => /^building kube-apiserver v1\.\d+\.\d+ from source/.test(line))).toBe(true);
    expect(lines).toContain('waiting for another process that builds the control plane');
  });

  test('a build that fails shows the compiler’s last lines and leaves nothing that looks built', async () => {
    const { env, calls } = await environmentWithFakeGo('echo "boom: no such symbol" >&2; exit 1');
    const find = async () => findControlPlaneBinaries(() => undefined, env);
    await expect(find()).rejects.toThrow('boom: no such symbol');
    await expect(find()).rejects.toThrow('boom: no such symbol');
    expect(await calls('build')).toHaveLength(2); // tried again, not taken for built
  });
});

/** A PATH whose `go` notes how it was called and writes an executable where `-o` says. */
async function environmentWithFakeGo(onBuild = 'shift; while [ "$1" != -o ]; do shift; done; cp "$0" "$2"') {
  const folder = await temporaryFolder();
  const log = join(folder, 'calls');
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'go'), `#!/bin/sh\necho "$*" >> ${log}\ncase $1 in build) ${onBuild};; esac\n`);
  await chmod(join(bin, 'go'), 0o755);
  return {
    env: { PATH: `${bin}:/usr/bin:/bin`, XDG_CACHE_HOME: join(folder, 'cache') },
    calls: async (verb: string) =>
      (await readFile(log, 'utf8')).split('\n').filter((line) => line.startsWith(`${verb} `)),
  };
}
