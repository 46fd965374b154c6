import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';

/** A write that took place, as kube-apiserver's audit log tells it. */
export interface Write {
  readonly who: string;
  readonly verb: string;
  /** With the subresource, such as `hosts/status`. */
  readonly resource: string;
  /** The resource version that the request carried. */
  readonly asked: string | undefined;
  readonly before: AuditedObject | undefined;
  readonly after: AuditedObject;
}

/** An object in the audit log; members beside the metadata are as the server answered them. */
export interface AuditedObject {
  readonly [member: string]: unknown;
  readonly metadata: {
    readonly [member: string]: unknown;
    readonly uid: string;
    readonly resourceVersion: string;
  };
}

const entrySchema = z.object({
  verb: z.enum(['create', 'update', 'patch', 'delete', 'deletecollection']),
  user: z.object({ username: z.string() }),
  objectRef: z.object({ resource: z.string(), subresource: z.string().optional() }),
  responseStatus: z.object({ code: z.number() }),
  requestObject: z.unknown(),
  responseObject: z.unknown(),
});

const requestSchema = z.object({ metadata: z.object({ resourceVersion: z.string().optional() }).optional() });

const objectSchema: z.ZodType<AuditedObject> = z.looseObject({
  metadata: z.looseObject({ uid: z.string(), resourceVersion: z.string() }),
});

/** The creates and updates that succeeded, each with the object as it was before, in the order of their versions. */
export async function writesOf(auditLog: string): Promise<Write[]> {
  const lines = (await readFile(auditLog, 'utf8')).split('\n').filter((line) => line !== '');
  const answered = lines.flatMap((line) => {
    const entry = entrySchema.parse(JSON.parse(line));
    const object = objectSchema.safeParse(entry.responseObject);
    const done = entry.responseStatus.code < 300 && !entry.verb.startsWith('delete');
    const asked = requestSchema.safeParse(entry.requestObject).data?.metadata?.resourceVersion;
    return done && object.success ? [{ ...entry, asked, after: object.data }] : [];
  });
  answered.sort(
    (a, b) => Number(a.after.metadata.resourceVersion) - Number(b.after.metadata.resourceVersion),
  );
  const latest = new Map<string, AuditedObject>();
  return answered.map(({ user, verb, objectRef, asked, after }) => {
    const before = latest.get(after.metadata.uid);
    latest.set(after.metadata.uid, after);
    const { resource, subresource } = objectRef;
    const path = subresource === undefined ? resource : `${resource}/${subresource}`;
    return { who: user.username, verb, resource: path, asked, before, after };
  });
}

/** Paths of the fields that a write changed, down to `depth` names below the top; metadata is the server's. */
export function changedFields({ before, after }: Write, depth = 2): string[] {
  const { metadata: _before, ...old } = before ?? { metadata: undefined };
  const { metadata: _after, ...next } = after;
  return differences(old, next, depth);
}

function differences(old: unknown, next: unknown, depth: number): string[] {
  if (isDeepStrictEqual(old, next)) return [];
  if (depth < 0 || !isObject(next)) return [''];
  const before = isObject(old) ? old : {};
  const names = new Set([...Object.keys(before), ...Object.keys(next)]);
  return [...names].flatMap((name) =>
    differences(before[name], next[name], depth - 1).map((rest) => (rest === '' ? name : `${name}.${rest}`)),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
