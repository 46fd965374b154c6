import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TrustConfig } from '../../api/artifacts/trust-config.ts';
import { signingKeyFromPem } from '../../core/artifacts/sign.ts';
import { createAgentCa, mintServerCertificate } from '../agent-ca.ts';
import type { PemPair } from '../certificates.ts';
import { startControlPlane, type ControlPlane, type ControlPlaneOptions } from '../control-plane.ts';
import { kubectl } from '../kubectl.ts';

/** Where the demo and `make up` work. */
export const NAMESPACE = 'nixfleet';
/** The Fleet they serve. */
export const FLEET = 'lab';
/** Agents are called agent-<hostname>.<this>. */
export const CN_SUFFIX = 'fleet.example';

/** A control plane with the kinds, the namespace and the keys that an operator and agents need. */
export interface Installation {
  readonly controlPlane: ControlPlane;
  /** Keys and certificates; kept where the control plane is. */
  readonly folder: string;
  /** Signs agent certificates and the server's. */
  readonly agentCa: PemPair;
  readonly files: InstallationFiles;
  readonly trust: TrustConfig;
  /** Runs kubectl as administrator in the namespace; rejects with its stderr. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
}

/** Paths of what people and processes need. */
export interface InstallationFiles {
  readonly agentCa: string;
  readonly agentCaKey: string;
  readonly serverCert: string;
  readonly serverKey: string;
  readonly ciKey: string;
  /** Signs bootstrap tokens. */
  readonly orgRootKey: string;
  readonly trust: string;
}

const CRDS = fileURLToPath(new URL('../../../crds', import.meta.url));

/**
 * Starts a control plane and puts into it what an installation of the operator would: kinds, namespace, the trust
 * config and the agents' CA. With a state folder all of it, the keys too, is used again.
 */
export async function startInstallation(options: ControlPlaneOptions): Promise<Installation> {
  const controlPlane = await startControlPlane(options);
  try {
    options.onProgress?.('installing the kinds');
    return await install(controlPlane);
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
}

async function install(controlPlane: ControlPlane): Promise<Installation> {
  const folder = join(controlPlane.folder, 'installation');
  await mkdir(folder, { recursive: true });
  const file = (name: string): string => join(folder, name);
  const files: InstallationFiles = {
    agentCa: file('agent-ca.pem'),
    agentCaKey: file('agent-ca-key.pem'),
    serverCert: file('server.pem'),
    serverKey: file('server-key.pem'),
    ciKey: file('ci-key.pem'),
    orgRootKey: file('org-root-key.pem'),
    trust: file('trust.json'),
  };
  const agentCa = await keepPair(files.agentCa, files.agentCaKey, async () => createAgentCa());
  await keepPair(files.serverCert, files.serverKey, async () => mintServerCertificate(agentCa));
  const ciKey = await keep(files.ciKey, async () => newSigningKey());
  const orgRootKey = await keep(files.orgRootKey, async () => newSigningKey());
  const trust = trustOf(ciKey, orgRootKey);
  await writeFile(files.trust, `${JSON.stringify(trust, null, 2)}\n`);

  const { kubeconfigPath: kubeconfig } = controlPlane;
  const run = async (args: readonly string[], input?: string): Promise<string> =>
    kubectl(['--namespace', NAMESPACE, ...args], { kubeconfig, ...(input !== undefined && { input }) });
  await run(['apply', '--server-side', '--force-conflicts', '-f', CRDS]);
  await run(['wait', '--for=condition=Established', '--timeout=30s', '-f', CRDS]);
  const manifests = [namespace(), trustConfigMap(trust), caSecret(agentCa)];
  const list = { apiVersion: 'v1', kind: 'List', items: manifests };
  await run(['apply', '--server-side', '--force-conflicts', '-f', '-'], JSON.stringify(list));
  return { controlPlane, folder, agentCa, files, trust, kubectl: run };
}

function namespace(): object {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } };
}

function trustConfigMap(trust: TrustConfig): object {
  const metadata = { name: `${FLEET}-trust`, namespace: NAMESPACE };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'trust.json': JSON.stringify(trust) } };
}

function caSecret({ certPem, keyPem }: PemPair): object {
  const metadata = { name: `${FLEET}-agent-ca`, namespace: NAMESPACE };
  const stringData = { 'tls.crt': certPem, 'tls.key': keyPem };
  return { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata, stringData };
}

function trustOf(ciKeyPem: string, orgRootKeyPem: string): TrustConfig {
  const slot = { previous: null, successor: null, rejectBefore: null, retireAt: null };
  return {
    schemaVersion: 1,
    ciReleaseKey: { ...slot, current: signingKeyFromPem(ciKeyPem).trusted },
    cacheKeys: [],
    orgRootKey: { ...slot, current: signingKeyFromPem(orgRootKeyPem).trusted },
    rootCaPem: null,
    issuanceCaPems: [],
  };
}

function newSigningKey(): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

async function keep(path: string, make: () => Promise<string>): Promise<string> {
  if (!(await exists(path))) await writeFile(path, await make(), { mode: 0o600 });
  return readFile(path, 'utf8');
}

async function keepPair(certFile: string, keyFile: string, make: () => Promise<PemPair>): Promise<PemPair> {
  if (!(await exists(certFile)) || !(await exists(keyFile))) {
    const made = await make();
    await writeFile(keyFile, made.keyPem, { mode: 0o600 });
    await writeFile(certFile, made.certPem);
  }
  return { certPem: await readFile(certFile, 'utf8'), keyPem: await readFile(keyFile, 'utf8') };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
