// Laravel's own session manager on one of its drivers: an application that has nothing else.

use Illuminate\Cache\CacheManager;
use Illuminate\Config\Repository;
use Illuminate\Container\Container;
use Illuminate\Contracts\Auth\Guard;
use Illuminate\Database\Capsule\Manager as Databases;
use Illuminate\Redis\RedisManager;
use Illuminate\Session\SessionManager;
use Illuminate\Support\Carbon;
use Illuminate\Support\Facades\Facade;

// Debian's libraries are older than its PHP.
error_reporting(E_ALL & ~E_DEPRECATED);
foreach (['Cache', 'Config', 'Database', 'Redis', 'Session'] as $part) {
    require_once "Illuminate/$part/autoload.php";
}

/** With this driver, and these of `config/session.php`, `config/cache.php` and `config/database.php`. */
function application(string $driver, array $more): Container
{
    $application = new Container();
    $session = ['driver' => $driver, 'lifetime' => 120, 'table' => 'sessions', 'cookie' => 'laravel_session'];
    $application->instance('config', new Repository(['session' => $session] + $more));
    Container::setInstance($application);
    Facade::clearResolvedInstances();
    Facade::setFacadeApplication($application);
    return $application;
}

/** What the middleware `web` does around a request that somebody made some time ago. */
function request(Container $application, ?int $user = null, int $secondsAgo = 0): void
{
    Carbon::setTestNow(Carbon::createFromTimestamp(time() - $secondsAgo));
    $application->instance(Guard::class, new class($user) implements Guard {
        public function __construct(private ?int $user) {}
        public function id() { return $this->user; }
        public function check() { return $this->user !== null; }
        public function guest() { return $this->user === null; }
        public function user() { return null; }
        public function hasUser() { return false; }
        public function validate(array $credentials = []) { return false; }
        public function setUser($user) { return $this; }
    });
    $session = (new SessionManager($application))->driver();
    $session->start();
    $session->put('cart', ['book']);
    $session->save();
    Carbon::setTestNow();
}

[, $what, $socket] = $argv;

if ($what === 'table' || $what === 'database') {
    $application = application('database', []);
    $databases = new Databases($application);
    $databases->addConnection([
        'driver' => 'mysql', 'unix_socket' => $socket, 'database' => 'laravel', 'username' => 'root', 'password' => '',
        'charset' => 'utf8mb4', 'collation' => 'utf8mb4_unicode_ci', 'prefix' => '', 'strict' => true,
    ]);
    $application->instance('db', $databases->getDatabaseManager());
    $application->bind('db.schema', fn () => $databases->getConnection()->getSchemaBuilder());
    if ($what === 'table') {
        // What `artisan session:table` copies into an application.
        $manager = new ReflectionClass(SessionManager::class);
        $migration = require dirname($manager->getFileName()) . '/Console/stubs/database.stub';
        $migration = is_object($migration) ? $migration : new CreateSessionsTable();
        $migration->up();
    } else {
        foreach ([[1, 1], [2, 600], [null, 7100], [1, 7300], [null, 90000]] as [$user, $secondsAgo]) {
            request($application, $user, $secondsAgo);
        }
    }
} else {
    // The connection's prefix and the cache's, as `config` had them in Laravel 8, and in 9 and 10, which put a colon after
    // the cache's; and the same without one, as in 11 and since 12, which put none.
    foreach ([
        ['laravel_database_', 'laravel_cache'],
        ['laravel_database_', 'laravel_cache_'],
        ['laravel_database_laravel_cache_', ''],
        ['laravel-database-laravel-cache-', ''],
    ] as [$connection, $cache]) {
        $application = application('redis', ['cache' => [
            'default' => 'redis', 'prefix' => $cache, 'stores' => ['redis' => ['driver' => 'redis', 'connection' => 'cache']],
        ]]);
        $server = ['host' => $socket, 'port' => 0];
        $application->instance('redis', new RedisManager($application, 'phpredis', [
            'options' => ['prefix' => $connection],
            'default' => $server + ['database' => 0],
            'cache' => $server + ['database' => 1],
        ]));
        $application->instance('cache', new CacheManager($application));
        request($application);
        // What is cached, such as a limit of rates, and a queue.
        $application['cache']->store()->put('front-page', '<html>', 60);
        $application['cache']->store()->put(sha1('login|127.0.0.1'), 1, 60);
        $application['redis']->connection()->rpush('queues:default', '{}');
    }
}
