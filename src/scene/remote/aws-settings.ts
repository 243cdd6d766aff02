import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { EnvironmentError } from '../../errors.js';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface AwsSettings {
  readonly region: string;
  /** Another service than Amazon's; buckets are then the first part of the path. */
  readonly endpoint?: string;
  /** Asked for before every request, because credentials of machines run out; `undefined`: requests are not signed. */
  credentials(): Promise<AwsCredentials | undefined>;
}

/** Time before their end at which credentials are asked for anew. */
const MARGIN_MS = 5 * 60_000;

/** Package that reads profiles and asks containers and machines for credentials. */
const CHAIN = '@aws-sdk/credential-provider-node';

/**
 * Settings by AWS's own rules: AWS_REGION, AWS_ENDPOINT_URL, and credentials from the environment, from the shared files with
 * their profiles, or from the container or machine. AWS_NO_SIGN_REQUEST=YES turns signing off. All but the environment needs
 * the optional package {@link CHAIN}.
 */
export async function awsSettings(env: Readonly<Record<string, string | undefined>> = process.env): Promise<AwsSettings> {
  const endpoint = env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'];
  const region = env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? 'us-east-1';
  const settings = { region, ...(endpoint === undefined || endpoint === '' ? {} : { endpoint }) };
  if (/^(yes|true|on|1)$/i.test(env['AWS_NO_SIGN_REQUEST'] ?? '')) return { ...settings, credentials: () => Promise.resolve(undefined) };
  const [accessKeyId, secretAccessKey, sessionToken] = [env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY'], env['AWS_SESSION_TOKEN']];
  if (accessKeyId && secretAccessKey) {
    return { ...settings, credentials: () => Promise.resolve({ accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }) };
  }
  return isSetUp(env) ? { ...settings, credentials: await chain() } : { ...settings, credentials: () => Promise.resolve(undefined) };
}

/** Whether anything says that there are credentials; without, no machine is asked: that takes seconds where there is none. */
function isSetUp(env: Readonly<Record<string, string | undefined>>): boolean {
  const named = ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE', 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', 'AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN'];
  if (named.some((name) => env[name])) return true;
  if (!/^(yes|true|on|1)$/i.test(env['AWS_EC2_METADATA_DISABLED'] ?? '') && isAmazonMachine()) return true;
  const home = env['HOME'] ?? env['USERPROFILE'] ?? homedir();
  return [env['AWS_SHARED_CREDENTIALS_FILE'] ?? join(home, '.aws', 'credentials'), env['AWS_CONFIG_FILE'] ?? join(home, '.aws', 'config')].some((file) => existsSync(file));
}

/** Whether this is one of Amazon's machines, which may have a role. */
function isAmazonMachine(): boolean {
  try {
    return readFileSync('/sys/devices/virtual/dmi/id/sys_vendor', 'utf8').trim() === 'Amazon EC2';
  } catch {
    return false;
  }
}

async function chain(): Promise<AwsSettings['credentials']> {
  const library = await import('@aws-sdk/credential-provider-node').catch((error: unknown) => {
    throw new EnvironmentError(`credentials for s3:// are set up in a profile or by the machine, which takes the package ${CHAIN}`, {
      cause: error, advice: `npm install ${CHAIN}, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_NO_SIGN_REQUEST=YES for public buckets`,
    });
  });
  const provider = library.defaultProvider();
  let known: { readonly credentials: AwsCredentials; readonly until: number } | undefined;
  return async () => {
    if (known === undefined || Date.now() > known.until) {
      const found = await provider().catch((error: unknown) => {
        throw new EnvironmentError(`the credentials for s3:// cannot be read: ${error instanceof Error ? error.message.split('\n')[0] ?? '' : String(error)}`, {
          cause: error, advice: 'set AWS_NO_SIGN_REQUEST=YES for public buckets',
        });
      });
      known = { credentials: found, until: (found.expiration?.getTime() ?? Number.POSITIVE_INFINITY) - MARGIN_MS };
    }
    return known.credentials;
  };
}
