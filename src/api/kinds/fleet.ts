import { z } from 'zod';
import { conditionsSchema } from './condition.ts';
import type { CustomObject } from './object-meta.ts';
import { AGE_COLUMN, type KindDefinition } from './kind-definition.ts';
import {
  atomicList,
  count,
  duration,
  keyRef,
  listMap,
  objectName,
  rules,
  text,
  timestamp,
} from './schema.ts';

const exactlyOne = (...fields: string[]) => ({
  rule: `[${fields.map((field) => `has(self.${field})`).join(', ')}].filter(given, given).size() == 1`,
  message: `give exactly one of ${fields.join(', ')}`,
});

const signedText = (what: string) => text(1_500_000, `The exact signed text of ${what}.`);
const signature = text(128, 'Standard base64 of the raw 64-byte signature over the canonical form.');
const url = (what: string) =>
  z
    .string()
    .min(1)
    .max(2048)
    .regex(/^https?:\/\//)
    .meta({ description: what });

const inlineReleaseSchema = z
  .object({
    fleet: signedText('fleet.resolved.json'),
    signature,
    manifests: atomicList(
      z
        .array(z.object({ manifest: signedText('one rollout manifest'), signature }))
        .max(64)
        .meta({ description: 'One signed manifest per channel.' }),
    ),
  })
  .meta({ description: 'The release itself, for trials and fleets of up to about 500 hosts.' });

const httpReleaseSchema = z
  .object({
    fleetURL: url('Where fleet.resolved.json is served.'),
    signatureURL: url('Where its raw signature is served.'),
    manifestURLTemplate: url('Where a manifest is served; {rolloutId} is replaced.'),
    manifestSignatureURLTemplate: url('Where its raw signature is served; {rolloutId} is replaced.'),
    interval: duration('Time between two polls.').default('30s'),
    tokenSecretRef: keyRef('Secret').optional(),
  })
  .meta({ description: 'A forge or web server to poll with conditional requests.' });

const sourceSchema = rules(
  z
    .object({
      inline: inlineReleaseSchema.optional(),
      configMapRefs: atomicList(
        z.array(objectName('Name of a ConfigMap.')).min(1).max(16).meta({
          description:
            'ConfigMaps that together hold fleet.resolved.json, fleet.resolved.json.sig and, for each channel, <channel>.manifest.json and <channel>.manifest.json.sig. A key may end in .gz or be cut into .gz.0 … .gz.n.',
        }),
      ).optional(),
      http: httpReleaseSchema.optional(),
    })
    .meta({ description: 'Where the signed release is taken from: exactly one of the three.' }),
  exactlyOne('inline', 'configMapRefs', 'http'),
);

/** Where a signed side document (bootstrap nonces, revocations) is taken from. */
const signedDocumentSource = (what: string) =>
  rules(
    z
      .object({
        inline: z
          .object({ document: signedText(what), signature })
          .optional()
          .meta({ description: 'The document itself.' }),
        configMapRef: keyRef('ConfigMap').optional(),
        http: z
          .object({
            url: url(`Where ${what} is served.`),
            signatureURL: url('Where its raw signature is served.'),
            interval: duration('Time between two polls.').default('60s'),
            tokenSecretRef: keyRef('Secret').optional(),
          })
          .optional()
          .meta({ description: 'A forge or web server to poll with conditional requests.' }),
      })
      .meta({
        description: `Where ${what} is taken from: exactly one of the three. A configMapRef finds the signature under <key>.sig.`,
      }),
    exactlyOne('inline', 'configMapRef', 'http'),
  );

const offlineSchema = z
  .object({
    after: rules(duration('Silence after which a host counts as offline; at least 3m.').default('15m'), {
      rule: "duration(self) >= duration('3m')",
      message: 'offline.after must be at least 3m, because agents heartbeat once a minute',
    }),
    policy: z.enum(['Wait', 'Skip']).default('Wait').meta({
      description: 'Wait: an offline host holds its wave. Skip: it is left behind until it returns.',
    }),
  })
  .meta({ description: 'How hosts that stay silent are judged.' });

const agentsSchema = z
  .object({
    caSecretRef: z
      .object({ name: objectName('Name of a kubernetes.io/tls Secret.') })
      .meta({ description: 'The CA that issues agent certificates and that agents are trusted by.' }),
    clientCAsRef: keyRef('ConfigMap').optional(),
    cnSuffix: z
      .string()
      .min(1)
      .max(200)
      .meta({ description: 'Certificates carry the name agent-<hostname>.<cnSuffix>.' }),
    certificateLifetime: duration('Lifetime of an issued certificate.').default('720h'),
    artifactMaxAge: duration(
      'Age of the release in force from which nothing is dispatched; agents refuse artifacts older than an hour.',
    ).default('55m'),
    bootstrapNonces: signedDocumentSource('the bootstrap nonce list').optional(),
    revocations: signedDocumentSource('the revocation list').optional(),
  })
  .meta({ description: 'The link to the agents.' });

export const fleetSpecSchema = z
  .object({
    source: sourceSchema,
    trust: z.object({ configMapRef: keyRef('ConfigMap') }).meta({
      description: 'The trust.json that releases are verified with; kept apart so that RBAC can guard it.',
    }),
    freshness: z
      .object({ window: duration('Age up to which a signed release is accepted.').default('720h') })
      .prefault({})
      .meta({ description: 'How old a release may be when it is verified.' }),
    offline: offlineSchema.prefault({}),
    agents: agentsSchema,
    retention: z
      .object({
        attemptsPerChannel: z.int().min(1).max(50).default(2).meta({
          description: 'Finished attempts to keep per channel beside the one in force.',
          format: 'int32',
        }),
        minAge: duration('A finished attempt is kept at least this long.').default('1h'),
      })
      .prefault({})
      .meta({ description: 'When old rollouts are deleted.' }),
    intent: z
      .object({
        hold: z
          .enum(['None', 'Hold'])
          .default('None')
          .meta({ description: 'Hold: verify and show, but open and dispatch nothing.' }),
      })
      .prefault({})
      .meta({ description: 'What a person asks for.' }),
  })
  .meta({ description: 'What the fleet shall run, whom to trust, and how to treat silence.' });

const contentRefsSchema = atomicList(
  z
    .array(objectName('Name of an immutable ConfigMap.'))
    .max(64)
    .meta({ description: 'The ConfigMaps that hold the content, in order.' }),
);

export const fleetStatusSchema = z
  .object({
    observedGeneration: z
      .int()
      .min(0)
      .optional()
      .meta({ description: 'The generation of the last successful reconcile.', format: 'int64' }),
    term: count('Raised by each new leader; marks of an older term are never delivered.').optional(),
    artifact: z
      .object({
        ciCommit: text(128, 'The commit that CI built.'),
        signedAt: timestamp('When CI signed it.'),
        sha256: text(64, 'Hash of the canonical fleet.resolved.json.'),
        verifiedAt: timestamp('When the operator verified it.'),
        contentRefs: contentRefsSchema,
      })
      .optional()
      .meta({
        description: 'The content in force: every replica serves and plans from it, never from the source.',
      }),
    channels: listMap(
      z
        .array(
          z.object({
            name: text(128, 'The channel.'),
            ref: text(128, 'The ref that the content in force names.'),
            rollout: objectName('The Rollout in force.'),
            hosts: count('Hosts in the manifest.'),
            opened: z.boolean().optional().meta({
              description: 'Whether that Rollout was ever there: if it is not, somebody deleted it.',
            }),
          }),
        )
        .max(64)
        .meta({ description: 'The rollout in force of each channel.' }),
      'name',
    ).optional(),
    hosts: z
      .object({
        total: count('Hosts that the content in force declares.'),
        online: count('Hosts heard of lately.'),
        offline: count('Hosts silent for longer than offline.after.'),
        unmanaged: count('Declared hosts without a closure or whose channel has no rollout.'),
      })
      .optional()
      .meta({ description: 'Counters over the hosts.' }),
    summary: z
      .object({
        commit: text(16, 'The first characters of the commit in force.'),
        online: text(32, 'Online hosts of all hosts.'),
      })
      .optional()
      .meta({ description: 'Shortened values for columns.' }),
    conditions: conditionsSchema.optional(),
  })
  .meta({
    description: 'What the operator made of it.',
    'x-kubernetes-validations': [
      {
        rule: '!has(oldSelf.term) || (has(self.term) && self.term >= oldSelf.term)',
        message: 'status.term never falls: a former leader is writing',
      },
    ],
  });

export type FleetSpec = z.output<typeof fleetSpecSchema>;
export type FleetStatus = z.infer<typeof fleetStatusSchema>;
/** A fleet as a team commits it to Git, and what became of it. */
export type Fleet = CustomObject<FleetSpec, FleetStatus>;

export const fleetKind: KindDefinition = {
  kind: 'Fleet',
  plural: 'fleets',
  singular: 'fleet',
  shortName: 'nff',
  description: 'A fleet of NixOS hosts: where its signed releases come from, and which one is in force.',
  spec: fleetSpecSchema,
  status: fleetStatusSchema,
  // Never absent, or a write without it would take the term away: the rule on it is only asked where there is a status.
  statusDefault: {},
  columns: [
    {
      name: 'Commit',
      type: 'string',
      jsonPath: '.status.summary.commit',
      description: 'The commit in force.',
    },
    { name: 'Hosts', type: 'integer', jsonPath: '.status.hosts.total', description: 'Declared hosts.' },
    {
      name: 'Online',
      type: 'string',
      jsonPath: '.status.summary.online',
      description: 'Online of all hosts.',
    },
    {
      name: 'Ready',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].status',
      description: 'Whether a release is in force and its rollouts are open.',
    },
    {
      name: 'Reason',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
      description: 'Why it is, or is not.',
    },
    {
      name: 'Signed',
      type: 'date',
      jsonPath: '.status.artifact.signedAt',
      description: 'Time since CI signed it.',
    },
    AGE_COLUMN,
  ],
};
