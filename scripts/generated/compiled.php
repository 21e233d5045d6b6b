<?php
// Loads every file of a generated client: PHP compiles each, and links its classes to what they extend and implement.
//
//     php compiled.php FOLDER      the client's `lib`

declare(strict_types=1);

$root = realpath($argv[1]);
spl_autoload_register(function (string $name) use ($root): void {
    $path = $root . '/' . str_replace('\\', '/', substr($name, strlen('Wharf\\'))) . '.php';
    if (str_starts_with($name, 'Wharf\\') && is_file($path)) {
        require_once $path;
    }
});
$files = 0;
foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator($root, FilesystemIterator::SKIP_DOTS)) as $file) {
    if ($file->getExtension() === 'php') {
        require_once $file->getPathname();
        $files++;
    }
}
$declared = array_filter([...get_declared_classes(), ...get_declared_interfaces()], fn (string $name): bool => str_starts_with($name, 'Wharf\\'));
if ($files < 100 || count($declared) !== $files) {
    fwrite(STDERR, "$files files declare " . count($declared) . " classes\n");
    exit(1);
}
echo "PHP: $files files compile\n";
