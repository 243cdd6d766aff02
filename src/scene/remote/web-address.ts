/** Parts of a query that sign a URL: they change from one URL of a file to the next, and give access to it. */
const SIGNING = /^(x-amz-.*|x-goog-.*|signature|expires|key-pair-id|policy|awsaccesskeyid|googleaccessid|token|access_token|sig|se|sp|sv|st|sr|spr|skoid|sktid|skt|ske|sks|skv|api_?key|subscription-key|auth|password|secret)$/i;

export interface WebAddress {
  /** What is asked for. */
  readonly href: string;
  /** Without password and signature. */
  readonly name: string;
  /** From a user name and password in the URL. */
  readonly authorization?: string;
}

/** Takes passwords and signatures out of a URL, which must not get into messages, lists and fingerprints. */
export function webAddress(url: string): WebAddress {
  const address = new URL(url);
  const { username, password } = address;
  address.username = '';
  address.password = '';
  address.hash = '';
  const { href } = address;
  for (const key of [...address.searchParams.keys()]) if (SIGNING.test(key)) address.searchParams.delete(key);
  const name = address.search === new URL(href).search ? href : address.href;
  return {
    href, name,
    ...(username === '' ? {} : { authorization: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}` }),
  };
}
