import type { Agent, Customer } from './shapes.ts';

/** LiveChat's way to say "never". */
const neverSeen = '1970-01-01T01:00:00.000000Z';

const place = {
  ip: '203.0.113.24',
  user_agent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36',
  geolocation: {
    country: 'Poland',
    country_code: 'PL',
    region: 'Dolnoslaskie',
    city: 'Wroclaw',
    timezone: 'Europe/Warsaw',
    latitude: '51.1043',
    longitude: '17.0335',
  },
};

/** What a thread says of the visit in which it was begun. */
export const customerVisit = place;

export interface Visitor {
  readonly id: string;
  readonly name: string;
  readonly email?: string | undefined;
  readonly sessionFields: readonly Record<string, string>[];
}

export const newCustomer = ({ id, name, email, sessionFields }: Visitor, at: string): Customer => ({
  id,
  type: 'customer',
  name,
  ...(email !== undefined && { email }),
  email_verified: false,
  present: true,
  created_at: at,
  events_seen_up_to: at,
  visit: {
    started_at: at,
    ...place,
    last_pages: [{ opened_at: at, url: 'https://shop.example/cart', title: 'Cart' }],
  },
  session_fields: sessionFields,
  statistics: {
    chats_count: 1,
    threads_count: 1,
    visits_count: 1,
    page_views_count: 1,
    greetings_shown_count: 0,
    greetings_accepted_count: 0,
    tickets_count: 0,
  },
});

const capitalized = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

const isBot = (id: string): boolean => !id.includes('@');

/** `nina.kowal@acme.example` is called Nina Kowal; a bot, whose id tells nothing, is called by its first digits. */
export const agentName = (id: string): string => {
  if (isBot(id)) return `Bot ${id.slice(0, 6)}`;
  const [local = id] = id.split('@');
  return local
    .split(/[._-]+/)
    .map(capitalized)
    .join(' ');
};

export const newAgent = (id: string): Agent => ({
  id,
  type: 'agent',
  name: agentName(id),
  ...(!isBot(id) && { email: id }),
  present: true,
  events_seen_up_to: neverSeen,
  avatar: `cdn.livechat-files.com/api/file/lc/avatars/${id.split('@')[0]}.png`,
  visibility: 'all',
});

const widgetClientId = 'c5e4f61e1a6c3b1521b541bc5c5a2ac5';
const agentAppClientId = 'bb9e5b2f1ab480e4a715977b7b1b4279';

/** The application through which somebody writes: the widget, LiveChat's agent application or, for a bot, our own. */
export const clientOf = (user: Customer | Agent, ownClientId: string): string => {
  if (user.type === 'customer') return widgetClientId;
  return isBot(user.id) ? ownClientId : agentAppClientId;
};

export const widgetSource = { client_id: widgetClientId, customer_client_id: widgetClientId };
