import { connect } from '../../src/kube/connect.ts';
import { loadKubeConfig } from '../../src/kube/credentials.ts';
import { systemClock } from '../../src/kube/clock.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { defineResource, type KubeObject } from '../../src/kube/resource.ts';

/** A kind of the tests alone, with a status subresource. */
export interface Widget extends KubeObject {
  readonly spec?: { readonly size?: number; readonly padding?: string } | undefined;
  readonly status?: { readonly seen?: number; readonly note?: string } | undefined;
}

export const WIDGETS = defineResource<Widget>({
  group: 'test.nixfleet.dev',
  version: 'v1',
  plural: 'widgets',
  kind: 'Widget',
  namespaced: true,
});

const CRDS = defineResource({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
});

const DEFINITION = {
  metadata: { name: 'widgets.test.nixfleet.dev' },
  spec: {
    group: 'test.nixfleet.dev',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            properties: {
              spec: {
                type: 'object',
                required: ['size'],
                properties: { size: { type: 'integer' }, padding: { type: 'string' } },
              },
              status: {
                type: 'object',
                properties: { seen: { type: 'integer' }, note: { type: 'string' } },
              },
            },
          },
        },
      },
    ],
  },
};

/** A widget to create. */
export function widget(name: string, size = 0): Widget {
  return { metadata: { name, namespace: 'default' }, spec: { size } };
}

/** A client for a kubeconfig, on the real clock; `port` leads it through a proxy on loopback. */
export function clientOf(kubeconfigPath: string, port?: number, connections?: number): KubeClient {
  const config = loadKubeConfig(kubeconfigPath, {});
  const cluster = config.getCurrentCluster();
  if (cluster !== null && port !== undefined) {
    config.clusters = [{ ...cluster, server: `https://127.0.0.1:${port}` }];
  }
  return connect({
    config,
    clock: systemClock,
    random: Math.random,
    ...(connections !== undefined && { connections }),
  });
}

/** Defines the kind and resolves when it is served. */
export async function installWidgets(client: KubeClient): Promise<void> {
  await client.create(CRDS, DEFINITION);
  await eventually(async () => {
    await client.list(WIDGETS, { namespace: 'default', limit: 1 });
  });
}

/** Tries until `check` no longer throws; rejects with its last error after `limitMs`. */
export async function eventually(check: () => void | Promise<void>, limitMs = 30_000): Promise<void> {
  const end = performance.now() + limitMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() >= end) throw error;
      await systemClock.sleep(20);
    }
  }
}
