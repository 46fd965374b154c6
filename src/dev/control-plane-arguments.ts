import { join } from 'node:path';
import type { ControlPlanePki } from './control-plane-pki.ts';
import type { ControlPlanePorts } from './free-ports.ts';

/** The two processes of a local control plane. */
export type ControlPlaneChild = 'etcd' | 'kube-apiserver';

/** What the command lines of both depend on. */
export interface ChildSettings {
  folder: string;
  pki: ControlPlanePki;
  ports: ControlPlanePorts;
  unsafeNoFsync: boolean;
  auditLog: string | undefined;
  extraApiServerArgs: readonly string[];
}

/** The command line of one of the two processes, without the program's name. */
export function childArguments(child: ControlPlaneChild, settings: ChildSettings): string[] {
  return child === 'etcd' ? etcdArguments(settings) : apiServerArguments(settings);
}

function etcdArguments(settings: ChildSettings): string[] {
  const clientUrl = etcdUrl(settings);
  return [
    `--data-dir=${join(settings.folder, 'etcd')}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    '--listen-peer-urls=http://127.0.0.1:0', // one member: nobody ever calls
    '--log-level=warn',
    ...(settings.unsafeNoFsync ? ['--unsafe-no-fsync'] : []),
  ];
}

function apiServerArguments(settings: ChildSettings): string[] {
  const { pki, folder } = settings;
  return [
    `--etcd-servers=${etcdUrl(settings)}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${settings.ports.kubeApiServer}`,
    '--endpoint-reconciler-type=none', // a loopback address is no valid endpoint of the kubernetes Service
    `--cert-dir=${folder}`,
    `--tls-cert-file=${pki.servingCertFile}`,
    `--tls-private-key-file=${pki.servingKeyFile}`,
    `--client-ca-file=${pki.caFile}`,
    `--service-account-key-file=${pki.serviceAccountKeyFile}`,
    `--service-account-signing-key-file=${pki.serviceAccountKeyFile}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    '--service-cluster-ip-range=10.96.0.0/24',
    '--authorization-mode=RBAC',
    '--disable-admission-plugins=ServiceAccount', // nobody makes the default ServiceAccounts here
    '--profiling=false',
    ...auditArguments(settings),
    ...settings.extraApiServerArgs,
  ];
}

function auditArguments(settings: ChildSettings): string[] {
  if (settings.auditLog === undefined) return [];
  return [
    `--audit-policy-file=${join(settings.folder, 'audit-policy.yaml')}`,
    `--audit-log-path=${settings.auditLog}`,
    '--audit-log-maxsize=1000',
  ];
}

function etcdUrl(settings: ChildSettings): string {
  return `http://127.0.0.1:${settings.ports.etcd}`;
}

/** An audit policy that keeps the bodies of what this operator writes and nothing else. */
export function auditPolicy(): string {
  return `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: RequestResponse
    verbs: [create, update, patch, delete, deletecollection]
    resources:
      - group: nixfleet.dev
      - group: coordination.k8s.io
      - group: ""
        resources: [configmaps, events]
      - group: events.k8s.io
  - level: None
`;
}
