import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hostName,
  nameLabel,
  quarantineName,
  recordName,
  rolloutName,
  shortClosure,
  shortRef,
} from '../../../src/core/naming.ts';

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const REF = 'a1b2c3d4e5f60718293a4b5c6d7e8f9001122334';

describe('the name of a rollout', () => {
  it('says channel and ref, and ends in a hash of id and attempt', () => {
    // sha256('stable@a1b2…#1')
    expect(rolloutName(`stable@${REF}`, 1)).toBe('stable-a1b2c3d4-650fa73560');
  });

  it.each<[string, [string, number], [string, number]]>([
    ['each attempt', [`stable@${REF}`, 1], [`stable@${REF}`, 2]],
    ['each ref, though the first characters agree', [`stable@${REF}`, 1], [`stable@${REF}0`, 1]],
    ['channels that differ in case alone', [`stable@${REF}`, 1], [`Stable@${REF}`, 1]],
    [
      'channels that are cut to the same slug',
      [`${'x'.repeat(60)}a@${REF}`, 1],
      [`${'x'.repeat(60)}b@${REF}`, 1],
    ],
    ['id and attempt that print the same digits', ['c@1', 11], ['c@1#1', 1]],
  ])('differs for %s', (_, one, other) => {
    expect(rolloutName(...one)).not.toBe(rolloutName(...other));
  });

  it.each([
    [
      'characters that no name may have become dashes',
      `Web_Front.End@${REF}`,
      /^web-front-end-a1b2c3d4-[0-9a-f]{10}$/,
    ],
    ['several of them become one dash', `a__b@${REF}`, /^a-b-a1b2c3d4-[0-9a-f]{10}$/],
    ['none stands in front', `_web@${REF}`, /^web-a1b2c3d4-[0-9a-f]{10}$/],
    ['several none stand in front', `-_-web@${REF}`, /^web-a1b2c3d4-[0-9a-f]{10}$/],
    ['none is doubled before the hash', 'web@', /^web-[0-9a-f]{10}$/],
    ['a long channel leaves room for the ref', `${'x'.repeat(60)}@${REF}`, /^x{31}-a1b2c3d4-[0-9a-f]{10}$/],
    ['nothing readable leaves the hash', '@', /^x-[0-9a-f]{10}$/],
  ])('%s', (_, id, name) => {
    expect(rolloutName(id, 1)).toMatch(name);
  });

  it('is a legal object name and label for every id, and leaves room for the record of every host', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.nat(),
        fc.string({ maxLength: 300 }),
        (id, attempt, host) => {
          const name = rolloutName(id, attempt);
          expect(name).toMatch(SUBDOMAIN);
          expect(name.length).toBeLessThanOrEqual(51);
          const record = recordName(name, hostName(host), 4_294_967_295);
          expect(record).toMatch(SUBDOMAIN);
          expect(record.length).toBeLessThanOrEqual(253);
        },
      ),
    );
  });
});

describe('the name of a host', () => {
  it.each(['web-01', 'a', '0', 'web.example.org', 'a--b', 'x'.repeat(189)])(
    'is its own where it may be: %s',
    (name) => {
      expect(hostName(name)).toBe(name);
    },
  );

  it.each([
    ['an underscore', 'web_01'],
    ['a capital', 'Web-01'],
    ['a dash in front', '-web'],
    ['a dash at the end', 'web-'],
    ['a dot in front', '.web'],
    ['two dots', 'web..org'],
    ['a dash before a dot', 'web-.org'],
    ['a dash after a dot', 'web.-org'],
    ['a line break', 'web\n'],
    ['nothing', ''],
    ['more characters than a record has room for', 'x'.repeat(190)],
  ])('is a hash of it where it has %s', (_, name) => {
    expect(hostName(name)).toMatch(/^x-[0-9a-f]{16}$/);
  });

  it('is the first 16 characters of its SHA-256', () => {
    expect(hostName('Web_01')).toBe('x-929397059ba07394');
    expect(hostName('Web_01')).not.toBe(hostName('Web_02'));
  });
});

describe('the name of a record', () => {
  it('joins rollout and host, and carries the number of a retry from the second on', () => {
    expect(recordName('stable-a1b2c3d4-0123456789', 'web-01', 1)).toBe('stable-a1b2c3d4-0123456789.web-01');
    expect(recordName('stable-a1b2c3d4-0123456789', 'web-01', 2)).toBe('stable-a1b2c3d4-0123456789.web-01.2');
  });
});

describe('the name of a quarantine', () => {
  it('is the same for the same decision and differs for every other', () => {
    const name = quarantineName('stable', 'uid-1', 4);
    expect(name).toBe('stable-a4dc156547');
    expect(quarantineName('stable', 'uid-1', 4)).toBe(name);
    expect(quarantineName('stable', 'uid-1', 5)).not.toBe(name);
    expect(quarantineName('stable', 'uid-2', 4)).not.toBe(name);
  });

  it('is legal where the channel has nothing that a name may have', () => {
    expect(quarantineName('___', 'uid-1', 4)).toMatch(/^x-[0-9a-f]{10}$/);
    expect(quarantineName(`${'x'.repeat(39)}-y`, 'uid-1', 4)).toMatch(/^x{39}-[0-9a-f]{10}$/);
  });
});

describe('labels and columns', () => {
  it('label an object whose name fits, and no other', () => {
    expect(nameLabel('nixfleet.dev/host', 'x'.repeat(63))).toEqual({ 'nixfleet.dev/host': 'x'.repeat(63) });
    expect(nameLabel('nixfleet.dev/host', 'x'.repeat(64))).toEqual({});
  });

  it.each([shortRef, shortClosure])('show eight characters, and cut none in half', (short) => {
    expect(short('a1b2c3d4e5')).toBe('a1b2c3d4');
    expect(short('a1b')).toBe('a1b');
    expect(short('😀'.repeat(9))).toBe('😀'.repeat(8));
  });
});
