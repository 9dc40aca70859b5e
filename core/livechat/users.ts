import type { Participant, UserType } from '../events/schemas.ts';
import type { LiveChatUser } from './schemas.ts';

const bot = /^[0-9a-f]{32}$/i;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(id: string): boolean {
  return uuid.test(id);
}

/** What an id's shape says of its owner: events name no author type, so this holds until the chat's users are known. */
export function typeOfId(id: string | null | undefined): UserType {
  if (!id) return 'system';
  if (id.includes('@')) return 'agent';
  if (bot.test(id)) return 'bot';
  return uuid.test(id) ? 'customer' : 'unknown';
}

/** LiveChat calls bots agents; only the shape of the id tells them apart. */
export function typeOfUser(id: string, declared: string | null | undefined): UserType {
  if (declared === 'customer') return 'customer';
  if (declared === 'agent') return bot.test(id) ? 'bot' : 'agent';
  return typeOfId(id);
}

export function author(id: string | null | undefined): { id: string; type: UserType } {
  return { id: id ?? '', type: typeOfId(id) };
}

export function participantOf(user: LiveChatUser, declaredType?: string | null): Participant {
  const type = typeOfUser(user.id, user.type ?? declaredType);
  return {
    id: user.id,
    type,
    mistakable: type === typeOfId(user.id) ? undefined : true,
    name: user.name ?? undefined,
    email: user.email ?? undefined,
    present: user.present,
    hidden: user.visibility ? user.visibility !== 'all' : undefined,
    fields: user.session_fields ? sessionFields(user.session_fields) : undefined,
    country: (user.visit ?? user.last_visit)?.geolocation?.country_code ?? undefined,
  };
}

/** LiveChat sends session fields as a list of one-key objects; later ones win. */
export function sessionFields(list: readonly Readonly<Record<string, unknown>>[]): Record<string, string> {
  return Object.fromEntries(
    list
      .flatMap(Object.entries)
      .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}
